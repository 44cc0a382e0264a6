// The screens about one's own devices, history and data, for look.mjs.
const open = async (page, settings) => {
  await page.keyboard.press('Control+,')
  await page.getByTestId(settings).click()
}
const devices = async (page) => {
  await open(page, 'settings-devices')
  await page.getByTestId('wallet').first().waitFor()
}
const bottom = (page) =>
  page.evaluate(() => {
    const body = document.querySelector('dialog[open]:last-of-type .body')
    body.scrollTop = body.scrollHeight
  })
/** Brings a handshake to a phase. */
const to = (page, pin, phase, change = {}) =>
  page.evaluate(([...all]) => window.backend.past.to(...all), [pin, phase, change])
const counts = {
  ...{ bytes_done: 21_400_000, bytes_total: 48_200_000, conversations_done: 130, conversations_total: 212 },
  ...{ messages_done: 18_204, messages_total: 41_902 },
}

async function ask(page) {
  await devices(page)
  await page.getByTestId('history-open').click()
  await page.getByTestId('history-ask').click()
  await page.getByTestId('transfer-dialog').waitFor()
}

async function sheet(page) {
  await page.getByTestId('transfer-notice-show').first().click()
  await page.getByTestId('history-sheet').waitFor()
}

async function toReview(page) {
  await page.getByTestId('first-run-import').click()
  await page.getByTestId('import-secret').fill('any words at all')
  await page.getByTestId('import-submit').click()
  await page.getByTestId('network-continue').click()
  await page.getByTestId('inbox-exists').waitFor()
}

const screen = (scene, go) => ({ scene, go })

export const own = {
  'own-notices': screen('devices'),
  'own-devices': screen('devices', devices),
  'own-devices-below': screen('devices', async (page) => {
    await devices(page)
    await bottom(page)
  }),
  'own-rename': screen('devices', async (page) => {
    await devices(page)
    await page.getByTestId('device-rename').nth(1).click()
  }),
  'own-sign': screen('devices', async (page) => {
    await devices(page)
    await page.getByTestId('device-revoke').first().click()
    await page.getByTestId('sign-text').waitFor()
  }),
  'own-sign-elsewhere': screen('devices', async (page) => {
    await devices(page)
    await page.getByTestId('wallet-remove').first().click()
    await page.getByTestId('sign-place-elsewhere').check({ force: true })
    await bottom(page)
  }),
  'own-recovery': screen('devices', async (page) => {
    await devices(page)
    await page.getByTestId('recovery-change').click()
    await page.getByTestId('address-other').check()
    await page.getByTestId('address-input').fill('0x12')
    await page.getByTestId('address-input').blur()
  }),
  'own-ask': screen('devices', async (page) => {
    await devices(page)
    await page.getByTestId('history-open').click()
    await page.getByTestId('history-ask').waitFor()
  }),
  'own-ask-alone': screen('busy', async (page) => {
    await devices(page)
    await page.getByTestId('history-open').click()
    await page.getByTestId('history-dialog').getByTestId('empty').waitFor()
  }),
  'own-waiting': screen('devices', ask),
  'own-waiting-code': screen('devices', async (page) => {
    await ask(page)
    await to(page, 'pin1', 'held', {
      code: 'ribbon anchor velvet lemon orbit cactus gentle market'.split(' '),
      installation_id: '1c4e'.padEnd(64, '7'),
      device_name: 'Laptop in the kitchen',
    })
  }),
  'own-importing': screen('devices', async (page) => {
    await ask(page)
    await to(page, 'pin1', 'importing', counts)
  }),
  'own-foreign': screen('devices', async (page) => {
    await ask(page)
    await to(page, 'pin1', 'ready', { foreign_server: true, server: 'other.example.net' })
  }),
  'own-failed': screen('devices', async (page) => {
    await ask(page)
    await to(page, 'pin1', 'failed', {
      ...counts,
      error: {
        code: 'archive_truncated',
        message: 'The server stopped midway. What was taken in stays. Go on to fetch the rest.',
        retryable: true,
      },
    })
  }),
  'own-done': screen('devices', async (page) => {
    await ask(page)
    await to(page, 'pin1', 'done', { conversations_done: 212, messages_done: 41_902, skipped: 3 })
    await page.getByTestId('read-only-note').locator('summary').click()
  }),
  'own-request': screen('devices', sheet),
  'own-request-less': screen('devices', async (page) => {
    await sheet(page)
    await page.getByTestId('request-less').click()
    await bottom(page)
  }),
  'own-request-official': screen('devices', async (page) => {
    await to(page, 'held', 'held', {
      code: null,
      official_app: true,
      device_name: null,
      foreign_server: true,
    })
    await sheet(page)
  }),
  'own-sending': screen('devices', async (page) => {
    await sheet(page)
    await page.getByTestId('request-allow').click()
    await to(page, 'held', 'uploading', counts)
  }),
  'own-background': screen('devices', async (page) => {
    await to(page, 'held', 'uploading', counts)
    await page.getByTestId('transfer-notice').waitFor()
  }),
  'own-restored': screen('devices', async (page) => {
    await page.getByTestId('new-device-yes').click()
    await to(page, 'held', 'refused')
    await page.locator('[data-testid=conversation-row]', { hasText: 'Reading group' }).click()
    await page.getByTestId('composer-closed').waitFor()
  }),
  'own-export': screen('devices', async (page) => {
    await devices(page)
    await page.getByTestId('archive-export-open').click()
  }),
  'own-export-key': screen('devices', async (page) => {
    await devices(page)
    await page.getByTestId('archive-export-open').click()
    await page.getByTestId('export-path').fill('/home/alix/history.conclave')
    await page.getByTestId('protect-key').check()
    await page.getByTestId('export-save').click()
    await page.getByTestId('export-key').waitFor()
  }),
  'own-import': screen('devices', async (page) => {
    await devices(page)
    await page.getByTestId('archive-import-open').click()
    await page.getByTestId('opener-key').check({ force: true })
  }),
  'own-inside': screen('devices', async (page) => {
    await devices(page)
    await page.getByTestId('archive-import-open').click()
    await page.getByTestId('import-path').fill('/home/alix/history.conclave')
    await page.getByTestId('import-opens').fill('correct horse')
    await page.getByTestId('import-inspect').click()
    await page.getByTestId('inside-messages').waitFor()
  }),
  'own-taken': screen('devices', async (page) => {
    await own['own-inside'].go(page)
    await page.getByTestId('import-take').click()
    await page.getByTestId('taken-messages').waitFor()
  }),
  'own-local': screen('busy', (page) => open(page, 'settings-local-data')),
  'own-passphrase': screen('busy', async (page) => {
    await page.evaluate(() => (window.backend.own.passphrase = 'correct horse'))
    await open(page, 'settings-local-data')
    await page.getByTestId('passphrase-open').click()
    await page.getByTestId('passphrase-new').fill('short')
    await page.getByTestId('passphrase-again').fill('shor')
    await page.getByTestId('passphrase-current').focus()
  }),
  'own-move': screen('busy', async (page) => {
    await open(page, 'settings-local-data')
    await page.getByTestId('folder-move-open').click()
  }),
  'own-delete': screen('busy', async (page) => {
    await open(page, 'settings-local-data')
    await page.getByTestId('delete-data-open').click()
  }),
  'own-revoked': screen('revoked', async (page) => {
    await page.locator('[data-testid=conversation-row]', { hasText: 'Winter cabin' }).click()
  }),
  'own-locked': screen('locked', async (page) => {
    await page.getByTestId('unlock-passphrase').fill('nonsense')
    await page.getByTestId('unlock-open').click()
    await page.getByTestId('problem').waitFor()
  }),
  'own-existing': screen('existing', toReview),
  'own-full': screen('full', toReview),
  'own-full-revoke': screen('full', async (page) => {
    await toReview(page)
    await page.getByTestId('device-revoke').nth(2).click()
    await page.getByTestId('sign-text').last().waitFor()
  }),
}
