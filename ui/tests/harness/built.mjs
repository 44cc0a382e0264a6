// Opens the production build over a bridge that plays the memory backend: the content security policy
// must let everything through that the app needs. node tests/harness/built.mjs, after npm run build
import assert from 'node:assert/strict'
import { preview } from 'vite'
import { inChromium } from './chromium.mjs'

const output = new URL('../../dist', import.meta.url).pathname
const served = await preview({
  configFile: false,
  build: { outDir: output },
  preview: { port: 5198, host: '127.0.0.1' },
})
try {
  await inChromium(async (page, _base, errors, server) => {
    const { scene } = await server.ssrLoadModule('/scenes.ts')
    const backend = scene('group')
    const frames = []
    page.on('console', (message) => {
      if (message.type() === 'error') errors.push(message.text())
    })
    await page.routeWebSocket('ws://127.0.0.1:9/', (socket) => {
      backend.subscribe((event) => socket.send(JSON.stringify({ event })))
      socket.onMessage(async (data) => {
        const frame = JSON.parse(data)
        frames.push(frame)
        if (frame.token !== undefined) return socket.send(JSON.stringify({ ready: true }))
        try {
          socket.send(JSON.stringify({ id: frame.id, result: await backend.call(frame.command, frame.args) }))
        } catch (error) {
          socket.send(JSON.stringify({ id: frame.id, error }))
        }
      })
    })
    await page.goto(`${served.resolvedUrls.local[0]}#url=ws://127.0.0.1:9/&token=secret`)
    await page.locator('[data-testid=conversation-row]', { hasText: 'Winter cabin' }).click()
    await page.getByTestId('composer').fill('Through the bridge')
    await page.keyboard.press('Enter')
    await page
      .locator('[data-testid=message][data-delivery=published]', { hasText: 'Through the bridge' })
      .waitFor()
    assert.deepEqual(frames[0], { token: 'secret' })
    assert.equal(new URL(page.url()).hash, '')
    assert.equal(await page.evaluate(() => document.fonts.check('16px Inter')), true)
    await page.getByTestId('details').click()
    await page.getByTestId('picture-show').click()
    await page.waitForFunction(() => document.querySelector('[data-testid=group-picture]')?.naturalWidth > 0)
    await page.getByTestId('info-permissions').click()
    await page.getByTestId('permission-row').first().waitFor()
    await page.reload()
    await page.getByTestId('conversation-row').first().waitFor()
    assert.deepEqual(errors, [])
    console.log('ok    the build works under its policy')
  })
} finally {
  await served.close()
}
