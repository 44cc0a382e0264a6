// Takes a picture of every screen in both themes and three widths, and runs axe on each.
// node tests/harness/look.mjs [parts of names] [widths]; LOOK_ONLY=1 leaves axe out.
import { AxeBuilder } from '@axe-core/playwright'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { inChromium } from './chromium.mjs'
import { own } from './look-own.mjs'

const only = process.argv[2] ?? ''
const widths = (process.argv[3] ?? '360,900,1400').split(',').map(Number)
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
  'details-group': { scene: 'group', go: (page) => details(page, 'Winter cabin') },
  pins: { scene: 'group', go: (page) => row(page, 'Winter cabin') },
  'pin-list': {
    scene: 'group',
    go: async (page) => {
      await row(page, 'Winter cabin')
      await page.getByTestId('pin-list-open').click()
    },
  },
  'message-menu': {
    scene: 'group',
    go: async (page) => {
      await row(page, 'Winter cabin')
      await page.getByTestId('message').last().hover()
      await page.getByTestId('message-menu-open').last().click()
    },
  },
  'member-menu': {
    scene: 'group',
    go: async (page) => {
      await details(page, 'Winter cabin')
      await page.getByTestId('member-menu-open').nth(1).click()
    },
  },
  'member-menu-denied': {
    scene: 'group',
    go: async (page) => {
      await details(page, 'Choir')
      await page.getByTestId('member-menu-open').last().click()
    },
  },
  select: {
    scene: 'group',
    go: async (page) => {
      await details(page, 'Winter cabin')
      await page.getByTestId('select-members').click()
      await page.getByTestId('member-select').nth(2).click()
      await page.getByTestId('member-select').nth(3).click()
    },
  },
  remove: {
    scene: 'group',
    go: async (page) => {
      await details(page, 'Winter cabin')
      await page.getByTestId('select-members').click()
      await page.getByTestId('member-select').nth(2).click()
      await page.getByTestId('member-select').nth(3).click()
      await page.getByTestId('select-remove').click()
    },
  },
  role: {
    scene: 'group',
    go: async (page) => {
      await details(page, 'Winter cabin')
      await page.getByTestId('member-menu-open').nth(2).click()
      await page.getByTestId('member-menu-add_admin').click()
    },
  },
  transfer: {
    scene: 'group',
    go: async (page) => {
      await details(page, 'Winter cabin')
      await page.evaluate(() => {
        let done = false
        const call = window.backend.call.bind(window.backend)
        window.backend.call = (command, args) => {
          if (command === 'role_change' && done)
            return Promise.reject({
              code: 'offline',
              message: 'The node does not answer. Nothing was changed. Try again when you are online.',
              retryable: true,
            })
          done ||= command === 'role_change'
          return call(command, args)
        }
      })
      await page.getByTestId('member-menu-open').nth(1).click()
      await page.getByTestId('member-menu-transfer').click()
      await page.getByTestId('transfer-confirm').click()
      await page.getByTestId('transfer-half').waitFor()
    },
  },
  permissions: { scene: 'group', go: (page) => permissions(page, 'Winter cabin') },
  'permissions-pending': {
    scene: 'group',
    go: async (page) => {
      await permissions(page, 'Winter cabin')
      await choose(page, 'add_member', 'admin')
      await choose(page, 'pins', 'allow')
    },
  },
  'permissions-custom': {
    scene: 'group',
    go: async (page) => {
      await permissions(page, 'Board')
      await choose(page, 'add_member', 'allow')
    },
  },
  'permissions-failed': {
    scene: 'group',
    go: async (page) => {
      await permissions(page, 'Winter cabin')
      await page.evaluate(() =>
        window.backend.refuse.set('permissions_set', {
          code: 'offline',
          message: 'The node does not answer. Nothing was changed. Try again when you are online.',
          retryable: true,
        }),
      )
      await choose(page, 'name', 'admin')
      await page.getByTestId('permission-apply').click()
      await page.getByTestId('problem').waitFor()
    },
  },
  'permissions-readonly': { scene: 'group', go: (page) => permissions(page, 'Choir') },
  edit: {
    scene: 'group',
    go: async (page) => {
      await details(page, 'Winter cabin')
      await page.getByTestId('edit-group').click()
      await page.getByTestId('edit-picture').fill('http://example.org/a.png')
      await page.getByTestId('edit-name').fill('Winter cabin '.repeat(7))
      await page.getByTestId('edit-advanced').click()
    },
  },
  'edit-denied': {
    scene: 'group',
    go: async (page) => {
      await details(page, 'Choir')
      await page.evaluate(() => {
        const one = [...window.backend.conversations.values()].find(({ name }) => name === 'Choir')
        const permissions = window.backend.permissionsOf(one.id)
        window.backend.permissions.set(one.id, {
          ...permissions,
          update_metadata: {
            ...permissions.update_metadata,
            group_name: 'admin',
            description: 'super_admin',
          },
        })
        window.backend.put(one.id, { epoch: 9 })
      })
      await page.waitForTimeout(200)
      await page.getByTestId('edit-group').click()
    },
  },
  disappearing: {
    scene: 'group',
    go: async (page) => {
      await details(page, 'Winter cabin')
      await page.getByTestId('info-disappearing').click()
      await page.getByTestId('disappearing-choice').selectOption('custom')
      await page.getByTestId('disappearing-amount').fill('')
    },
  },
  changes: {
    scene: 'group',
    go: async (page) => {
      await details(page, 'Winter cabin')
      await page.getByTestId('info-changes').click()
      await page.getByTestId('change').first().waitFor()
    },
  },
  'changes-in-conversation': {
    scene: 'group',
    go: async (page) => {
      await row(page, 'Winter cabin')
      await page.getByTestId('message').last().waitFor()
      await page.getByTestId('message-list').evaluate((node) => (node.scrollTop = 0))
    },
  },
  leave: {
    scene: 'group',
    go: async (page) => {
      await details(page, 'Choir')
      await page.getByTestId('info-leave').click()
    },
  },
  removed: { scene: 'group', go: (page) => row(page, 'Release 2.4') },
  forked: { scene: 'group', go: (page) => row(page, 'Football') },
  paused: { scene: 'group', go: (page) => row(page, 'give this group') },
  leaving: { scene: 'group', go: (page) => details(page, 'Photo swap') },
  'request-group': {
    scene: 'group',
    go: async (page) => {
      await page.getByTestId('filter-requests').click()
      await row(page, 'Free tickets')
      await page.getByTestId('request-members').waitFor()
    },
  },
  'request-open': {
    scene: 'group',
    go: async (page) => {
      await page.getByTestId('filter-requests').click()
      await row(page, 'Free tickets')
      await page.getByTestId('request-preview').click()
    },
  },
  block: {
    scene: 'group',
    go: async (page) => {
      await page.getByTestId('filter-requests').click()
      await row(page, 'Free tickets')
      await page.getByTestId('request-leave').click()
    },
  },
  people: {
    scene: 'group',
    go: async (page) => {
      await press(page, 'Control+,')
      await page.getByTestId('settings-people').click()
      await page.getByTestId('person').first().waitFor()
      await page.getByTestId('people-allowed').click()
    },
  },
  'people-empty': {
    scene: 'empty',
    go: async (page) => {
      await press(page, 'Control+,')
      await page.getByTestId('settings-people').click()
      await page.getByTestId('people-dialog').getByTestId('empty').waitFor()
    },
  },
  'new-group-custom': {
    scene: 'busy',
    go: async (page) => {
      await page.getByTestId('new-group').click()
      await page.getByTestId('preset-custom').click()
      await page.getByTestId('permission-grid').scrollIntoViewIfNeeded()
    },
  },
  odd: { scene: 'odd', go: (page) => details(page, 'A name that is so long') },
  'odd-removing': {
    scene: 'odd',
    go: async (page) => {
      await details(page, 'Everybody')
      await page.getByTestId('select-members').click()
      for (let n = 2; n < 12; n++) await page.getByTestId('member-select').nth(n).click()
      await page.evaluate(() => (window.backend.pace.batch = 3))
      await page.evaluate(() => (window.backend.pace.stepMs = 1500))
      await page.getByTestId('select-remove').click()
      await page.getByTestId('remove-confirm').click()
      await page.getByTestId('progress').waitFor()
    },
  },
  contents: {
    scene: 'contents',
    go: async (page) => {
      await row(page, 'Everything')
      await page.getByTestId('actions-card').waitFor()
    },
  },
  ...Object.fromEntries(
    ['Plan for Friday', 'can you look', 'valley', 'hut rules', 'Transaction'].map((words, n) => [
      `contents-${n + 1}`,
      {
        scene: 'contents',
        go: async (page) => {
          await row(page, 'Everything')
          await page.getByTestId('actions-card').waitFor()
          await up(page, words)
        },
      },
    ]),
  ),
  files: {
    scene: 'contents',
    go: async (page) => {
      await files(page, 'Album')
      await page.locator('[data-testid=picture-tile] img').nth(8).waitFor()
      await page.getByTestId('picture-tile-go').nth(1).focus()
    },
  },
  'files-few': {
    scene: 'contents',
    go: async (page) => {
      await files(page, 'Everything')
      await page.locator('[data-testid=picture-tile] img').nth(3).waitFor()
    },
  },
  'files-others': {
    scene: 'contents',
    go: async (page) => {
      await files(page, 'Everything')
      await page.getByTestId('files-others').click()
    },
  },
  'files-empty': { scene: 'contents', go: (page) => files(page, 'Winter cabin') },
  'settings-server': {
    scene: 'busy',
    go: async (page) => {
      await press(page, 'Control+,')
      await page.getByTestId('upload-server').fill('http://files.example.org')
    },
  },
  composing: {
    scene: 'contents',
    go: async (page) => {
      await row(page, 'Everything')
      await page.getByTestId('composer').press('ArrowUp')
      await attach(page)
      await page.getByTestId('markdown-toggle').click()
      await page
        .getByTestId('composer')
        .fill('**Bring** the [map](https://maps.example.org)\n- wood\n- `matches`')
    },
  },
  mentioning: {
    scene: 'contents',
    go: async (page) => {
      await row(page, 'Everything')
      await page.getByTestId('composer').pressSequentially('Ask @')
      await page.getByTestId('mention-option').first().waitFor()
    },
  },
  emoji: {
    scene: 'contents',
    go: async (page) => {
      await row(page, 'Everything')
      await page.getByTestId('emoji-open').click()
      await page.getByTestId('emoji').first().waitFor()
    },
  },
  reacting: {
    scene: 'contents',
    go: async (page) => {
      await row(page, 'Everything')
      await page.getByTestId('message').last().hover()
      await page.getByTestId('message-react').last().click()
    },
  },
  'message-actions': {
    scene: 'contents',
    go: async (page) => {
      await row(page, 'Everything')
      await page.getByTestId('message').last().hover()
      await page.getByTestId('message-menu-open').last().click()
    },
  },
  'delete-message': {
    scene: 'contents',
    go: async (page) => {
      await row(page, 'Everything')
      await page.getByTestId('message').last().hover()
      await page.getByTestId('message-menu-open').last().click()
      await page.getByTestId('message-menu-delete-everyone').click()
    },
  },
  link: {
    scene: 'contents',
    go: async (page) => {
      await row(page, 'Everything')
      await page.getByTestId('message-link').last().click()
    },
  },
  find: {
    scene: 'contents',
    go: async (page) => {
      await row(page, 'Everything')
      await press(page, 'Control+f')
      await page.getByTestId('find-input').fill('the')
      await page.getByTestId('find-count').getByText('of').waitFor()
      await page.waitForTimeout(400)
    },
  },
  search: {
    scene: 'contents',
    go: async (page) => {
      await press(page, 'Control+Shift+F')
      await page.getByTestId('search-input').fill('the')
      await page.getByTestId('search-hit').first().waitFor()
    },
  },
  'search-empty': { scene: 'contents', go: (page) => press(page, 'Control+Shift+F') },
  'search-problem': {
    scene: 'contents',
    go: async (page) => {
      await press(page, 'Control+Shift+F')
      await page.getByTestId('search-input').fill('stove before:monday')
      await page.getByTestId('search-problem').waitFor()
    },
  },
  date: {
    scene: 'contents',
    go: async (page) => {
      await row(page, 'Everything')
      await press(page, 'Control+f')
      await page.getByTestId('find-date').click()
    },
  },
  'row-menu': {
    scene: 'contents',
    go: (page) => page.getByTestId('conversation-row').nth(1).click({ button: 'right' }),
  },
  ...own,
  large: { scene: 'large', go: (page) => row(page, 'Much unread') },
}

/** Scrolls up until a text is in the middle. */
async function up(page, words) {
  const list = page.getByTestId('message-list')
  const named = page.locator(`[title*="${words}"]`)
  const all = page.getByTestId('message')
  const wanted = all
    .filter({ hasText: words })
    .or(all.filter({ has: named }))
    .first()
  for (let n = 0; n < 40 && (await wanted.count()) === 0; n++) {
    await list.evaluate((node) => node.scrollBy(0, -400))
    await page.waitForTimeout(60)
  }
  await wanted.evaluate((node) => node.scrollIntoView({ block: 'start' }))
}

/** Pastes a file and a file that is too large. */
async function attach(page) {
  await page.getByTestId('composer').evaluate((box) => {
    const data = new DataTransfer()
    data.items.add(new File(['x'.repeat(48_200)], 'hut rules.pdf', { type: 'application/pdf' }))
    data.items.add(new File(['x'.repeat(8_200)], 'valley.png', { type: 'image/png' }))
    const film = new File(['x'], 'film of the whole week in the mountains.mkv', { type: 'video/x-matroska' })
    Object.defineProperty(film, 'size', { value: 2_000_000_000 })
    const event = new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true })
    Object.defineProperty(event, 'clipboardData', {
      value: { files: [...data.files, film], getData: () => '' },
    })
    box.dispatchEvent(event)
  })
  await page.locator('[data-testid=enclosure][data-state=ready]').nth(1).waitFor()
}

async function details(page, title) {
  await row(page, title)
  await page.getByTestId('details').click()
  await page.locator('[data-testid=member], [data-testid=info-block]').first().waitFor()
}

async function files(page, title) {
  await details(page, title)
  await page.getByTestId('info-files').click()
}

async function permissions(page, title) {
  await details(page, title)
  await page.getByTestId('info-permissions').click()
  await page.getByTestId('permission-row').first().waitFor()
}

/** In the table, or in the cards of a narrow window. */
async function choose(page, name, option) {
  const line = page.locator(`[data-testid=permission-row][data-row=${name}]`)
  const select = line.getByTestId('permission-select')
  if ((await select.count()) > 0) await select.selectOption(option)
  else await line.locator(`[data-option=${option}]`).click()
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
    if (!only.split(',').some((part) => name.includes(part))) continue
    for (const width of widths) {
      for (const theme of ['light', 'dark']) {
        await page.emulateMedia({ colorScheme: theme, reducedMotion: 'reduce' })
        await page.setViewportSize({ width, height: width === 360 ? 640 : 860 })
        await page.goto(base)
        // What the picture before chose is not remembered.
        await page.evaluate(() => localStorage.clear())
        await page.goto(`${base}?scene=${scene}`)
        await page
          .locator('[data-testid=first-run], [data-testid=main-window], [data-testid=unlock]')
          .waitFor()
        await go?.(page)
        await page.evaluate(() => document.fonts.ready)
        await page.waitForTimeout(200)
        const label = `${name}-${width}-${theme}`
        await page.screenshot({ path: join(output, `${label}.png`) })
        if (process.env.LOOK_ONLY) continue
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
