// What only a real browser can show of the screens about one's own devices; for behave.mjs.
import assert from 'node:assert/strict'

const scene = (page, name) => page.goto(`${page.url().split('?')[0]}?scene=${name}`)
const focused = (page) => page.evaluate(() => document.activeElement?.dataset.testid)
const to = (page, ...all) => page.evaluate((args) => window.backend.past.to(...args), all)

async function devices(page) {
  await scene(page, 'devices')
  await page.getByTestId('conversation-row').first().waitFor()
  await page.keyboard.press('Control+,')
  await page.getByTestId('settings-devices').press('Enter')
  await page.getByTestId('wallet').first().waitFor()
}

/** Goes on with Tab until the keyboard is on something. */
async function tabTo(page, testid, most = 60) {
  for (let n = 0; n < most && (await focused(page)) !== testid; n++) await page.keyboard.press('Tab')
  assert.equal(await focused(page), testid)
}

const named = []
const check = (name, run) => named.push([name, run])

check('a device is renamed by the keyboard, and Escape leaves the name and not the screen', async (page) => {
  await devices(page)
  await tabTo(page, 'device-rename')
  await page.keyboard.press('Enter')
  assert.equal(await focused(page), 'device-name-input')
  await page.keyboard.type('Nonsense')
  await page.keyboard.press('Escape')
  assert.equal(await focused(page), 'device-rename')
  assert.equal(await page.getByTestId('devices-dialog').isVisible(), true)
  await page.keyboard.press('Enter')
  await page.keyboard.type('Tower')
  await page.keyboard.press('Enter')
  await page.getByTestId('device-name').getByText('Tower', { exact: true }).waitFor()
})

check('a device is revoked by the keyboard alone, and the keyboard comes back', async (page) => {
  await devices(page)
  await tabTo(page, 'device-revoke')
  await page.keyboard.press('Enter')
  await page.getByTestId('sign-text').waitFor()
  // Nothing is done by a key that was meant for something else.
  assert.equal(await page.evaluate(() => document.activeElement?.textContent?.trim()), 'Cancel')
  await page.getByTestId('import-secret').focus()
  await page.keyboard.type('any words at all')
  await tabTo(page, 'sign-confirm')
  await page.keyboard.press('Enter')
  await page.getByTestId('sign-dialog').waitFor({ state: 'detached' })
  assert.equal(await page.getByTestId('devices-dialog').isVisible(), true)
  assert.equal(await page.getByTestId('device').count(), 4)
})

check('a passphrase is set with Enter', async (page) => {
  await scene(page, 'busy')
  await page.getByTestId('conversation-row').first().waitFor()
  await page.keyboard.press('Control+,')
  await page.getByTestId('settings-local-data').press('Enter')
  await page.getByTestId('passphrase-open').press('Enter')
  await page.getByTestId('passphrase-new').fill('correct horse')
  await page.getByTestId('passphrase-again').fill('correct hors')
  await page.keyboard.press('Enter')
  assert.equal(await page.getByTestId('passphrase-dialog').isVisible(), true)
  await page.keyboard.type('e')
  await page.keyboard.press('Enter')
  await page.getByTestId('local-said').getByText('is set').waitFor()
})

check('Escape, Enter and clicks beside cannot lose a key that is shown once', async (page) => {
  await devices(page)
  await page.getByTestId('archive-export-open').click()
  await page.getByTestId('export-path').fill('/home/alix/history.conclave')
  await page.getByTestId('protect-key').check()
  await page.getByTestId('export-save').click()
  await page.getByTestId('export-key').waitFor()
  for (let n = 0; n < 3; n++) await page.keyboard.press('Escape')
  await page.mouse.click(10, 400)
  assert.equal(await page.getByTestId('export-key').isVisible(), true)
  await page.getByTestId('export-done').click()
  await page.getByTestId('export-dialog').waitFor({ state: 'detached' })
})

check('what is asked of the person cannot be closed, and leaves room for the rest', async (page) => {
  await page.setViewportSize({ width: 360, height: 480 })
  await scene(page, 'devices')
  await page.getByTestId('new-device').waitFor()
  await page.evaluate(() =>
    window.backend.past.set({
      new_devices: Array.from({ length: 9 }, (_, n) => ({
        installation_id: String(n).repeat(64),
        name: null,
        first_seen_ns: window.backend.now(),
      })),
    }),
  )
  await page.getByTestId('new-device').nth(8).waitFor({ state: 'attached' })
  for (let n = 0; n < 3; n++) await page.keyboard.press('Escape')
  assert.equal(await page.getByTestId('new-device').count(), 9)
  const notices = await page.getByTestId('notices').boundingBox()
  const list = await page.getByTestId('conversation-list').boundingBox()
  assert.ok(notices.height <= 220, `${notices.height} px`)
  assert.ok(list.height >= 64, `the list has ${list.height} px`)
  // Those out of view are reached by the keyboard.
  await page.getByTestId('new-device-yes').last().focus()
  const last = await page.getByTestId('new-device-yes').last().boundingBox()
  assert.ok(last.y + last.height <= notices.y + notices.height + 1)
})

check('a transfer goes on in the background, and numbers move without taking the keyboard', async (page) => {
  await devices(page)
  await page.getByTestId('history-open').click()
  await page.getByTestId('history-ask').click()
  await page.getByTestId('transfer-dialog').waitFor()
  await to(page, 'pin1', 'downloading', { bytes_done: 0, bytes_total: 1_000 })
  await page.getByTestId('transfer-pause').focus()
  for (let n = 1; n <= 20; n++) await to(page, 'pin1', 'downloading', { bytes_done: n * 50 })
  assert.equal(await focused(page), 'transfer-pause')
  await page.getByTestId('transfer-background').click()
  await page.keyboard.press('Escape')
  await page.locator('[data-testid=transfer-notice][data-phase=downloading]').waitFor()
  await page.locator('[data-testid=conversation-row]', { hasText: 'Winter cabin' }).click()
  await page.getByTestId('composer').fill('Meanwhile')
  await to(page, 'pin1', 'done', { conversations_done: 3, messages_done: 9 })
  await page.getByTestId('announcer').getByText('The history is here').waitFor()
  assert.equal(await focused(page), 'composer')
})

check('no screen about devices is wider than a narrow window, from either side', async (page) => {
  await page.setViewportSize({ width: 360, height: 640 })
  for (const direction of ['ltr', 'rtl']) {
    await devices(page)
    await page.evaluate((dir) => (document.documentElement.dir = dir), direction)
    const fits = async (what) => {
      const wide = await page.evaluate(() => {
        const bodies = [...document.querySelectorAll('dialog[open] .body')]
        return [document.documentElement.scrollWidth - innerWidth].concat(
          bodies.map((body) => body.scrollWidth - body.clientWidth),
        )
      })
      assert.deepEqual(
        wide.filter((by) => by !== 0),
        [],
        `${what} ${direction}`,
      )
    }
    await fits('devices')
    await page.getByTestId('device-rename').nth(3).click()
    await fits('rename')
    await page.keyboard.press('Escape')
    for (const [open, dialog] of [
      ['wallet-remove', 'sign-dialog'],
      ['recovery-change', 'address-dialog'],
    ]) {
      await page.getByTestId(open).first().click()
      await page.getByTestId(dialog).waitFor()
      await page.waitForTimeout(50)
      await fits(dialog)
      await page.keyboard.press('Escape')
      await page.getByTestId(dialog).waitFor({ state: 'detached' })
    }
    await page.keyboard.press('Escape')
    await page.getByTestId('devices-dialog').waitFor({ state: 'detached' })
    await fits('notices')
    await to(page, 'held', 'held', {
      server: `${'very-long-name.'.repeat(9)}example.org`,
      foreign_server: true,
    })
    await page.getByTestId('transfer-notice-show').click()
    await page.getByTestId('history-sheet').waitFor()
    await page.getByTestId('request-less').click()
    await fits('request')
  }
})

export const own = named
