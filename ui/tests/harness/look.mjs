// Takes a picture of every screen in both themes and three widths, and runs axe on each.
// node tests/harness/look.mjs [part of a name]
import { AxeBuilder } from '@axe-core/playwright'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { inChromium } from './chromium.mjs'

const only = process.argv[2] ?? ''
const output = new URL('./output/', import.meta.url).pathname
mkdirSync(output, { recursive: true })

const row = (page, title) => page.locator('[data-testid=conversation-row]', { hasText: title }).click()
const press = (page, keys) => page.keyboard.press(keys)

const screens = {
  'first-run': { scene: 'first-run' },
  phrase: {
    scene: 'first-run',
    go: async (page) => {
      await page.getByTestId('first-run-create').click()
      await page.getByTestId('phrase-word').first().waitFor()
    },
  },
  check: {
    scene: 'first-run',
    go: async (page) => {
      await page.getByTestId('first-run-create').click()
      await page.getByTestId('phrase-written').click()
      await page.getByTestId('check-word').first().fill('nonsense')
      await page.getByTestId('check-continue').click()
    },
  },
  import: { scene: 'first-run', go: (page) => page.getByTestId('first-run-import').click() },
  network: {
    scene: 'first-run',
    go: async (page) => {
      await page.getByTestId('first-run-import').click()
      await page.getByTestId('import-secret').fill('any words at all')
      await page.getByTestId('import-submit').click()
      await page.getByTestId('network-address').click()
      await page.getByTestId('network-url').fill('https://wrong.example.org')
      await page.getByTestId('problem').waitFor()
    },
  },
  review: { scene: 'first-run', go: toReview },
  register: {
    scene: 'first-run',
    go: async (page) => {
      await toReview(page)
      await page.getByTestId('register').click()
      await page.locator('[data-step=create_keys][data-state=done]').waitFor()
    },
  },
  resume: { scene: 'resume' },
  empty: { scene: 'empty' },
  list: { scene: 'busy' },
  offline: { scene: 'offline' },
  conversation: { scene: 'busy', go: (page) => row(page, 'Winter cabin') },
  unread: { scene: 'busy', go: (page) => row(page, 'Reading group') },
  direct: { scene: 'busy', go: (page) => page.locator('[data-testid=conversation-row]').nth(2).click() },
  request: {
    scene: 'busy',
    go: async (page) => {
      await page.getByTestId('filter-requests').click()
      await row(page, 'Free tickets')
    },
  },
  details: {
    scene: 'busy',
    go: async (page) => {
      await row(page, 'Winter cabin')
      await page.getByTestId('details').click()
      await page.getByTestId('member').first().waitFor()
      await page.waitForTimeout(250)
    },
  },
  'new-group': {
    scene: 'busy',
    go: async (page) => {
      const people = await page.evaluate(() => window.people)
      await page.getByTestId('new-group').click()
      await page
        .getByTestId('who-input')
        .fill(
          `${people.bo.address} ${people.caro.inboxId}, ${people.bo.inboxId} 0x1234 0x${'1'.repeat(40)} ${people.alix.address} `,
        )
      await page.getByTestId('group-name').fill('Winter cabin, second try')
      await page.locator('[data-standing=not_registered]').waitFor()
      await page.waitForTimeout(250)
    },
  },
  palette: {
    scene: 'busy',
    go: async (page) => {
      await press(page, 'Control+k')
      await page.getByTestId('palette-input').fill('re')
    },
  },
  shortcuts: { scene: 'busy', go: (page) => press(page, 'Control+/') },
  settings: { scene: 'busy', go: (page) => press(page, 'Control+,') },
  remove: {
    scene: 'busy',
    go: async (page) => {
      await row(page, 'Winter cabin')
      await page.getByTestId('details').click()
      await page.getByTestId('remove-member').last().click()
    },
  },
  large: { scene: 'large', go: (page) => row(page, 'Much unread') },
}

async function toReview(page) {
  await page.getByTestId('first-run-import').click()
  await page.getByTestId('import-secret').fill('any words at all')
  await page.getByTestId('import-submit').click()
  await page.getByTestId('network-continue').click()
  await page.getByTestId('sign-text').waitFor()
}

let bad = 0
await inChromium(async (page, base, errors) => {
  for (const [name, { scene, go }] of Object.entries(screens)) {
    if (!name.includes(only)) continue
    for (const width of [360, 900, 1400]) {
      for (const theme of ['light', 'dark']) {
        await page.emulateMedia({ colorScheme: theme, reducedMotion: 'reduce' })
        await page.setViewportSize({ width, height: width === 360 ? 640 : 860 })
        await page.goto(`${base}?scene=${scene}`)
        await page.locator('[data-testid=first-run], [data-testid=main-window]').waitFor()
        await go?.(page)
        await page.evaluate(() => document.fonts.ready)
        await page.waitForTimeout(200)
        const label = `${name}-${width}-${theme}`
        await page.screenshot({ path: join(output, `${label}.png`) })
        const { violations } = await new AxeBuilder({ page }).analyze()
        for (const { id, impact, help, nodes } of violations) {
          if (impact === 'serious' || impact === 'critical') bad++
          console.log(label, impact, id, help, nodes.map(({ target }) => target.join(' ')).slice(0, 3))
        }
      }
    }
  }
  for (const error of errors) console.log('PAGE ERROR', error)
  bad += errors.length
})
console.log(bad === 0 ? 'No serious violation.' : `${bad} serious problems.`)
process.exitCode = bad === 0 ? 0 : 1
