// What only a real browser can show: places are kept while things come and go. node tests/harness/behave.mjs
import assert from 'node:assert/strict'
import { own } from './behave-own.mjs'
import { inChromium } from './chromium.mjs'

const checks = []
const check = (name, run) => checks.push([name, run])
const row = (page, title) => page.locator('[data-testid=conversation-row]', { hasText: title })
const list = (page) => page.getByTestId('message-list')
const frames = (page) =>
  page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))))
const fromBottom = (page) =>
  list(page).evaluate((node) => Math.round(node.scrollHeight - node.scrollTop - node.clientHeight))
const arrive = (page, title, words) =>
  page.evaluate(
    ([name, text]) => {
      const one = [...window.backend.conversations.values()].find(
        (conversation) => conversation.name === name,
      )
      window.backend.arrive(one.id, 'caro', text)
    },
    [title, words],
  )

/** The first message that is wholly in view, and where. */
const anchor = (page) =>
  list(page).evaluate((node) => {
    const top = node.getBoundingClientRect().top
    for (const one of node.querySelectorAll('[data-testid=message]')) {
      const box = one.getBoundingClientRect()
      if (box.top >= top) return { id: one.dataset.id, top: box.top - top }
    }
    return null
  })
const topOf = (page, id) =>
  list(page).evaluate(
    (node, wanted) =>
      node.querySelector(`[data-id="${wanted}"]`).getBoundingClientRect().top -
      node.getBoundingClientRect().top,
    id,
  )

check('a conversation opens at its end and stays there as messages come', async (page) => {
  await row(page, 'Long history').click()
  await page.getByText('Line 2999').last().waitFor()
  assert.ok((await fromBottom(page)) <= 1)
  for (let n = 0; n < 5; n++) {
    await arrive(page, 'Long history', `News ${n} ${'and more '.repeat(n * 9)}`)
    await page.locator('[data-testid=message-text]', { hasText: `News ${n}` }).waitFor()
    await frames(page)
    await frames(page)
    assert.ok((await fromBottom(page)) <= 1, `after message ${n}`)
  }
  assert.equal(await page.getByTestId('to-bottom').count(), 0)
})

check('nothing moves when history loads above', async (page) => {
  await row(page, 'Long history').click()
  await page.getByText('Line 2999').last().waitFor()
  let worst = 0
  for (let n = 0; n < 25; n++) {
    await list(page).evaluate((node) => node.scrollBy(0, -500))
    await frames(page)
    const before = await anchor(page)
    // Longer than a page takes to be read and put in place.
    await page.waitForTimeout(120)
    worst = Math.max(worst, Math.abs((await topOf(page, before.id)) - before.top))
  }
  assert.ok(worst <= 2, `moved by ${worst} px`)
  const calls = await page.evaluate(
    () => window.backend.calls.filter(({ args }) => args.anchor?.at === 'before').length,
  )
  assert.ok(calls >= 3, 'older pages were read')
})

check('nothing moves when a message comes below, and the pill counts it', async (page) => {
  await row(page, 'Long history').click()
  await page.getByText('Line 2999').last().waitFor()
  await list(page).evaluate((node) => node.scrollBy(0, -900))
  await page.getByTestId('to-bottom').waitFor()
  await page.waitForTimeout(200)
  const before = await anchor(page)
  await arrive(page, 'Long history', 'One')
  await arrive(page, 'Long history', 'Two')
  await page.getByText('2 new messages', { exact: true }).waitFor()
  assert.ok(Math.abs((await topOf(page, before.id)) - before.top) <= 1)
  await page.getByTestId('to-bottom').click()
  await page.locator('[data-testid=message-text]', { hasText: 'Two' }).waitFor()
  await page.getByTestId('to-bottom').waitFor({ state: 'detached' })
  assert.ok((await fromBottom(page)) <= 1)
})

check('a person can leave the bottom while many messages come', async (page) => {
  await row(page, 'Long history').click()
  await page.getByText('Line 2999').last().waitFor()
  await page.evaluate(() => {
    const one = [...window.backend.conversations.values()].find(({ name }) => name === 'Long history')
    let n = 0
    window.stream = setInterval(() => window.backend.arrive(one.id, 'bo', `Stream ${n++}`), 30)
  })
  await list(page).hover()
  for (let n = 0; n < 5; n++) {
    await page.mouse.wheel(0, -150)
    await page.waitForTimeout(50)
  }
  const before = await anchor(page)
  await page.waitForTimeout(600)
  assert.ok(Math.abs((await topOf(page, before.id)) - before.top) <= 1)
  await page.evaluate(() => clearInterval(window.stream))
})

check('a message that moves to the end leaves what is read where it is', async (page) => {
  await row(page, 'Long history').click()
  await page.getByText('Line 2999').last().waitFor()
  await list(page).evaluate((node) => node.scrollBy(0, -1_100))
  await page.waitForTimeout(250)
  const before = await anchor(page)
  const read = await page.evaluate((id) => {
    const one = [...window.backend.conversations.values()].find(({ name }) => name === 'Long history')
    return window.backend.messages.get(one.id).findIndex((message) => message.id === id)
  }, before.id)
  // One out of view above, and one in view below.
  for (const index of [read - 12, read + 4]) {
    await page.evaluate((line) => {
      const one = [...window.backend.conversations.values()].find(({ name }) => name === 'Long history')
      const all = window.backend.messages.get(one.id)
      const moved = all.find(({ text }) => text.startsWith(`Line ${line} `))
      const now = { ...moved, is_own: true, delivery: 'unpublished', sent_at_ns: window.backend.now() }
      window.backend.messages.set(one.id, [...all.filter((other) => other !== moved), now])
      window.backend.emit({ event: 'messages', conversation_id: one.id, messages: [now] })
    }, index)
    await page.waitForTimeout(250)
    const moved = Math.abs((await topOf(page, before.id)) - before.top)
    assert.ok(moved <= 2, `moved by ${moved} px after ${index}`)
  }
  await page.getByTestId('to-bottom').click()
  await page.locator('[data-testid=message]', { hasText: new RegExp(`Line ${read + 4} `) }).waitFor()
  assert.ok((await fromBottom(page)) <= 1)
})

check('reactions keep the end in view, and what is read in place', async (page) => {
  await row(page, 'Long history').click()
  await page.getByText('Line 2999').last().waitFor()
  const react = (index) =>
    page.evaluate((at) => {
      const one = [...window.backend.conversations.values()].find(({ name }) => name === 'Long history')
      const message = window.backend.messages.get(one.id)[at]
      window.backend.update(window.backend.react(message, window.people.bo.inboxId, '❄️', true))
    }, index)
  await react(2_999)
  await page.getByTestId('reaction').waitFor()
  await frames(page)
  await frames(page)
  assert.ok((await fromBottom(page)) <= 1)
  await list(page).evaluate((node) => node.scrollBy(0, -900))
  await page.waitForTimeout(200)
  const before = await anchor(page)
  const first = await page.evaluate(
    (id) => [...window.backend.messages.values()].flat().findIndex((one) => one.id === id) >= 0,
    before.id,
  )
  assert.ok(first)
  await react(2_998)
  await page.waitForTimeout(200)
  assert.ok(Math.abs((await topOf(page, before.id)) - before.top) <= 2)
})

check('a quote leads to its message wherever it is', async (page) => {
  await page.evaluate(() => {
    const one = [...window.backend.conversations.values()].find(({ name }) => name === 'Long history')
    const all = window.backend.messages.get(one.id)
    const { id, sender_inbox_id, text } = all[40]
    all[2_999] = { ...all[2_999], reply_to: { message_id: id, sender_inbox_id, text, state: 'known' } }
  })
  await row(page, 'Long history').click()
  await page.getByTestId('message-quote').click()
  const far = page.locator('[data-testid=message]', { hasText: /Line 40 / })
  await far.waitFor()
  await page.waitForTimeout(300)
  const [box, view] = [await far.boundingBox(), await list(page).boundingBox()]
  assert.ok(box.y > view.y && box.y + box.height < view.y + view.height, 'it is in view')
  assert.equal(await far.evaluate((node) => node === document.activeElement), true)
})

check('a search result opens where it was said, in another conversation too', async (page) => {
  await row(page, 'Winter cabin').click()
  await page.keyboard.press('Control+Shift+F')
  await page.getByTestId('search-input').fill('"line 1077"')
  await page.getByTestId('search-hit').first().waitFor()
  await page.keyboard.press('Enter')
  const far = page.locator('[data-testid=message]', { hasText: /Line 1077 / })
  await far.waitFor()
  await page.waitForTimeout(300)
  const [box, view] = [await far.boundingBox(), await list(page).boundingBox()]
  assert.ok(box.y > view.y && box.y + box.height < view.y + view.height, 'it is in view')
})

check('finding goes from match to match and keeps the keyboard', async (page) => {
  await row(page, 'Long history').click()
  await page.getByText('Line 2999').last().waitFor()
  await page.keyboard.press('Control+f')
  await page.keyboard.type('"some more words"')
  await page.getByTestId('find-count').getByText(/^1 of/).waitFor()
  for (let n = 0; n < 60; n++) await page.keyboard.press('Enter')
  await page
    .getByTestId('find-count')
    .getByText(/^61 of/)
    .waitFor()
  assert.equal(await page.evaluate(() => document.activeElement?.dataset.testid), 'find-input')
  assert.ok((await page.locator('mark').count()) > 0)
  await page.keyboard.press('Escape')
  await page.getByTestId('find-bar').waitFor({ state: 'detached' })
  assert.equal(await page.evaluate(() => document.activeElement?.dataset.testid), 'composer')
})

check('the composer grows to its limit, and emoji go where the caret was', async (page) => {
  await row(page, 'Winter cabin').click()
  const box = page.getByTestId('composer')
  const height = () => box.evaluate((node) => node.clientHeight)
  const one = await height()
  await box.fill('a\nb\nc')
  assert.ok((await height()) > one + 30)
  await box.fill('line\n'.repeat(60))
  assert.ok((await height()) <= 200)
  await box.fill('ab')
  await box.evaluate((node) => node.setSelectionRange(1, 1))
  await page.getByTestId('emoji-open').click()
  await page.getByTestId('emoji-search').fill('fox')
  await page.locator('[data-testid=emoji][data-emoji="🦊"]').waitFor()
  await page.keyboard.press('Enter')
  await page.waitForFunction(() => document.querySelector('[data-testid=composer]').value === 'a🦊b')
  await page.keyboard.type('!')
  assert.equal(await box.inputValue(), 'a🦊!b')
})

check('pictures and files that are pasted are sent and shown', async (page) => {
  await row(page, 'Winter cabin').click()
  await page.getByTestId('composer').evaluate((node) => {
    const data = new DataTransfer()
    data.items.add(new File(['x'.repeat(900)], 'map.png', { type: 'image/png' }))
    data.items.add(new File(['x'.repeat(900)], 'rules.pdf', { type: 'application/pdf' }))
    node.dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }))
  })
  await page.locator('[data-testid=enclosure][data-state=ready]').nth(1).waitFor()
  await page.getByTestId('composer').press('Enter')
  await page.locator('[data-testid=message][data-kind=attachments]').last().waitFor()
  await page.getByTestId('attachment-name').getByText('rules.pdf').waitFor()
  await page.waitForTimeout(200)
  assert.ok((await fromBottom(page)) <= 1)
})

check('a menu of reactions closes with Escape and gives the keyboard back', async (page) => {
  await row(page, 'Long history').click()
  await page.getByText('Line 2999').last().waitFor()
  await page.locator('[data-testid=message][tabindex="0"]').focus()
  await page.keyboard.press('Enter')
  await page.getByTestId('message-menu-react').press('Enter')
  await page.getByTestId('reaction-bar').waitFor()
  await page.keyboard.press('Escape')
  await page.getByTestId('reaction-bar').waitFor({ state: 'detached' })
  assert.match(
    await page.evaluate(() => document.activeElement?.closest('[data-testid=message]')?.textContent ?? ''),
    /Line 2999/,
  )
})

check('no kind of message is wider than a narrow window', async (page) => {
  await page.setViewportSize({ width: 360, height: 640 })
  await page.goto(`${page.url().split('?')[0]}?scene=contents`)
  await row(page, 'Everything').click()
  await page.getByTestId('actions-card').waitFor()
  for (let n = 0; n < 14; n++) {
    const wide = await list(page).evaluate((node) => {
      const { right } = node.getBoundingClientRect()
      return [...node.querySelectorAll('.bubble')]
        .filter((one) => one.getBoundingClientRect().right > right || one.getBoundingClientRect().left < 0)
        .map((one) => one.textContent.slice(0, 40))
    })
    assert.deepEqual(wide, [])
    await list(page).evaluate((node) => node.scrollBy(0, -400))
    await page.waitForTimeout(60)
  }
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 360)
})

check('much unread opens at its first message, and is read to the end', async (page) => {
  await row(page, 'Much unread').click()
  await page.getByTestId('unread-divider').waitFor()
  const place = await page.getByTestId('unread-divider').boundingBox()
  assert.ok(place.y > 56 && place.y < 220, `the divider is at ${place.y}`)
  assert.equal(await row(page, 'Much unread').getAttribute('data-unread'), '200')
  await page.getByTestId('to-bottom').click()
  await page.locator('[data-testid=message-text]', { hasText: 'Unread line 399' }).waitFor()
  await page.locator('[data-testid=conversation-row][data-unread="0"]', { hasText: 'Much unread' }).waitFor()
})

check('reading down through pages ends at the newest', async (page) => {
  await row(page, 'Much unread').click()
  await page.getByTestId('unread-divider').waitFor()
  for (let n = 0; n < 60 && (await page.getByTestId('to-bottom').count()) > 0; n++) {
    await list(page).evaluate((node) => node.scrollBy(0, 700))
    await page.waitForTimeout(60)
  }
  await page.locator('[data-testid=message-text]', { hasText: 'Unread line 399' }).waitFor()
  assert.ok((await fromBottom(page)) <= 32)
})

check('whoever is at the bottom stays there whatever the size of the window', async (page) => {
  const sizes = [
    [360, 640],
    [1400, 860],
    [1120, 760],
  ]
  for (const details of [false, true]) {
    await page.setViewportSize({ width: 1120, height: 760 })
    await page.goto(`${page.url().split('?')[0]}?scene=large`)
    await row(page, 'Long history').click()
    await page.getByText('Line 2999').last().waitFor()
    await frames(page)
    await frames(page)
    if (details) await page.getByTestId('details').click()
    for (const [width, height] of [...sizes, ...sizes]) {
      await page.setViewportSize({ width, height })
      for (let n = 0; n < 6; n++) await frames(page)
      assert.ok((await fromBottom(page)) <= 1, `${width} px, details ${details}: ${await fromBottom(page)}`)
    }
  }
})

check('sending goes to the end from anywhere, and a growing composer keeps the end in view', async (page) => {
  await row(page, 'Long history').click()
  await page.getByText('Line 2999').last().waitFor()
  await list(page).evaluate((node) => node.scrollBy(0, -3000))
  await page.getByTestId('to-bottom').waitFor()
  await page.getByTestId('composer').fill('From far above')
  await page.getByTestId('composer').press('Enter')
  await page.locator('[data-testid=message-text]', { hasText: 'From far above' }).waitFor()
  await page.getByTestId('to-bottom').waitFor({ state: 'detached' })
  await page.getByTestId('composer').fill('line\n'.repeat(6))
  await frames(page)
  await frames(page)
  assert.ok((await fromBottom(page)) <= 1)
})

check('a pin goes to its message wherever it is, and back down', async (page) => {
  await page.evaluate(() => {
    const one = [...window.backend.conversations.values()].find(({ name }) => name === 'Long history')
    const list = window.backend.messages.get(one.id)
    window.backend.put(one.id, { pinned: [list[12].id, list[2990].id] })
  })
  await row(page, 'Long history').click()
  await page.getByText('Line 2999').last().waitFor()
  await page.getByTestId('pin-jump').click()
  const far = page.locator('[data-testid=message]', { hasText: /Line 12 / })
  await far.waitFor()
  await page.waitForTimeout(300)
  const [box, view] = [await far.boundingBox(), await list(page).boundingBox()]
  assert.ok(box.y > view.y && box.y + box.height < view.y + view.height, 'it is in view')
  assert.equal(await far.evaluate((node) => node === document.activeElement), true)
  await page.getByTestId('pin-jump').click()
  const near = page.locator('[data-testid=message]', { hasText: /Line 2990 / })
  await near.waitFor()
  await page.getByTestId('to-bottom').click()
  await page.getByText('Line 2999').last().waitFor()
  assert.ok((await fromBottom(page)) <= 1)
})

check('the keyboard goes from message to message, opens a menu and comes back', async (page) => {
  await row(page, 'Long history').click()
  await page.getByText('Line 2999').last().waitFor()
  await page.locator('[data-testid=message][tabindex="0"]').focus()
  for (let n = 0; n < 12; n++) {
    await page.keyboard.press('ArrowUp')
    await frames(page)
    await frames(page)
  }
  const focused = () =>
    page.evaluate(() => document.activeElement?.closest('[data-testid=message]')?.textContent ?? '')
  assert.match(await focused(), /Line 2987/)
  await page.keyboard.press('Shift+F10')
  await page.getByTestId('message-menu').waitFor()
  assert.match(await page.evaluate(() => document.activeElement.textContent), /React/)
  await page.keyboard.press('Escape')
  await page.getByTestId('message-menu').waitFor({ state: 'detached' })
  assert.match(await focused(), /Line 2987/)
})

check(
  'a menu fits into the window, stays with what it belongs to, and closes by a click beside it',
  async (page) => {
    await page.setViewportSize({ width: 360, height: 480 })
    await row(page, 'Winter cabin').click()
    await page.getByTestId('details').click()
    const opener = page.getByTestId('member-menu-open').last()
    await opener.scrollIntoViewIfNeeded()
    await opener.click()
    const menu = page.getByTestId('member-menu')
    await menu.waitFor()
    await frames(page)
    const box = await menu.boundingBox()
    assert.ok(
      box.x >= 0 && box.y >= 0 && box.x + box.width <= 360 && box.y + box.height <= 480,
      JSON.stringify(box),
    )
    await page.mouse.click(10, 20)
    await menu.waitFor({ state: 'detached' })
    assert.equal(await page.getByTestId('info-pane').count(), 1)
  },
)

check('no screen of a group is wider than a narrow window', async (page) => {
  await page.setViewportSize({ width: 360, height: 640 })
  await page.goto(`${page.url().split('?')[0]}?scene=group`)
  await row(page, 'Winter cabin').click()
  await page.getByTestId('details').click()
  const fits = async (what) => {
    await frames(page)
    const wide = await page.evaluate(() => {
      const body =
        document.querySelector('dialog[open] .body') ?? document.querySelector('[data-testid=info-pane]')
      return [document.documentElement.scrollWidth - innerWidth, body.scrollWidth - body.clientWidth]
    })
    assert.deepEqual(wide, [0, 0], what)
  }
  await fits('details')
  for (const name of ['permissions', 'changes', 'pins', 'disappearing']) {
    await page.getByTestId(`info-${name}`).click()
    await page.locator('dialog[open]').waitFor()
    await fits(name)
    await page.keyboard.press('Escape')
    await page.locator('dialog[open]').waitFor({ state: 'detached' })
  }
  await page.getByTestId('edit-group').click()
  await page.getByTestId('edit-advanced').click()
  await fits('edit')
})

check('four hundred members are listed and searched without a pause', async (page) => {
  await page.goto(`${page.url().split('?')[0]}?scene=odd`)
  await row(page, 'Everybody').click()
  await page.getByTestId('details').click()
  await page.getByTestId('member').nth(399).waitFor({ state: 'attached' })
  const took = await page.evaluate(async () => {
    const search = document.querySelector('[data-testid=member-search]')
    const start = performance.now()
    search.value = '0x0123'
    search.dispatchEvent(new Event('input', { bubbles: true }))
    await new Promise(requestAnimationFrame)
    return performance.now() - start
  })
  assert.equal(await page.getByTestId('member').count(), 1)
  console.log(`  a search in 400 members takes ${took.toFixed(1)} ms`)
})

check('ten thousand conversations are few rows', async (page) => {
  await page.waitForFunction(
    () => window.backend.calls.filter(({ command }) => command === 'conversation_list').length > 10,
  )
  const scroller = page.getByTestId('conversation-list')
  assert.ok((await scroller.evaluate((node) => node.scrollHeight)) > 640_000)
  assert.ok((await page.getByTestId('conversation-row').count()) < 60)
  const median = await scroller.evaluate(async (node) => {
    const frames = []
    let last = performance.now()
    for (let n = 0; n < 60; n++) {
      node.scrollTop += 900
      await new Promise(requestAnimationFrame)
      const now = performance.now()
      frames.push(now - last)
      last = now
    }
    return frames.sort((a, b) => a - b)[30]
  })
  console.log(`  median frame while scrolling the list: ${median.toFixed(1)} ms`)
  await row(page, /./).first().focus()
  await page.keyboard.press('End')
  await page.waitForFunction(() => document.activeElement?.textContent?.includes('Conversation 9999'))
  const took = await page.evaluate(async () => {
    const start = performance.now()
    const one = [...window.backend.conversations.values()].find(({ name }) => name === 'Conversation 9998')
    window.backend.arrive(one.id, 'bo', 'Up it goes')
    await new Promise(requestAnimationFrame)
    return performance.now() - start
  })
  console.log(`  a message moves the last row to the top in ${took.toFixed(1)} ms`)
})

check('Escape closes the topmost thing only', async (page) => {
  await row(page, 'Winter cabin').click()
  await page.getByTestId('details').click()
  await page.getByTestId('add-people').click()
  await page.keyboard.press('Escape')
  await page.getByTestId('add-dialog').waitFor({ state: 'detached' })
  assert.equal(await page.getByTestId('info-pane').count(), 1)
  await page.keyboard.press('Escape')
  await page.getByTestId('info-pane').waitFor({ state: 'detached' })
  assert.equal(await page.getByTestId('open-title').count(), 1)
})

check('Escape, pressed again and again, closes one thing at a time and nothing by itself', async (page) => {
  await page.goto(`${page.url().split('?')[0]}?scene=group`)
  await row(page, 'Winter cabin').click()
  await page.getByTestId('details').click()
  await page.getByTestId('info-permissions').click()
  await page.locator('[data-row=name] [data-option=deny]').click()
  await page.getByTestId('permission-change').waitFor()
  for (let n = 0; n < 4; n++) {
    await page.keyboard.press('Escape')
    await page.getByTestId('permission-leave').waitFor()
    await page.keyboard.press('Escape')
    await page.getByTestId('permission-leave').waitFor({ state: 'detached' })
    assert.equal(await page.getByTestId('permissions-dialog').isVisible(), true, `after question ${n + 1}`)
  }
})

check(
  'a drag that ends beside a dialog, or the second half of a double click, does not close it',
  async (page) => {
    await page.goto(`${page.url().split('?')[0]}?scene=group`)
    await row(page, 'Winter cabin').click()
    await page.getByTestId('details').click()
    await page.getByTestId('info-permissions').dblclick()
    await frames(page)
    await page.getByTestId('permissions-dialog').waitFor()
    await page.keyboard.press('Escape')
    await page.getByTestId('permissions-dialog').waitFor({ state: 'detached' })
    await page.getByTestId('edit-group').click()
    const box = await page.getByTestId('edit-name').boundingBox()
    await page.mouse.move(box.x + 60, box.y + 10)
    await page.mouse.down()
    await page.mouse.move(20, box.y + 10, { steps: 4 })
    await page.mouse.up()
    await frames(page)
    assert.equal(await page.getByTestId('edit-dialog').isVisible(), true)
  },
)

check('a click beside closes a dialog, unless something typed would be lost', async (page) => {
  await page.goto(`${page.url().split('?')[0]}?scene=group`)
  await row(page, 'Winter cabin').click()
  await page.getByTestId('details').click()
  for (const [open, dialog, field] of [
    ['edit-group', 'edit-dialog', 'edit-name'],
    ['add-people', 'add-dialog', 'who-input'],
    ['new-group', 'new-group-dialog', 'group-name'],
    ['new-direct', 'new-direct-dialog', 'direct-who'],
  ]) {
    await page.getByTestId(open).click()
    await page.mouse.click(20, 400)
    await page.getByTestId(dialog).waitFor({ state: 'detached' })
    await page.getByTestId(open).click()
    await page.getByTestId(field).fill('0x12')
    await page.mouse.click(20, 400)
    await frames(page)
    assert.equal(await page.getByTestId(dialog).isVisible(), true, dialog)
    await page.keyboard.press('Escape')
    await page.getByTestId(dialog).waitFor({ state: 'detached' })
  }
})

check('what cannot be stopped stays in view until it is done', async (page) => {
  await page.goto(`${page.url().split('?')[0]}?scene=group`)
  await row(page, 'Winter cabin').click()
  await page.getByTestId('details').click()
  await page.getByTestId('info-permissions').click()
  await page.locator('[data-row=name] [data-option=deny]').click()
  await page.evaluate(() => {
    const call = window.backend.call.bind(window.backend)
    const held = new Promise((resolve) => (window.release = resolve))
    window.backend.call = async (command, args) => {
      if (command === 'permissions_set') await held
      return call(command, args)
    }
  })
  await page.getByTestId('permission-apply').click()
  await page.locator('[data-testid=permission-state][data-state=sending]').waitFor()
  for (let n = 0; n < 4; n++) {
    await page.keyboard.press('Escape')
    await frames(page)
    await frames(page)
  }
  assert.equal(await page.getByTestId('permissions-dialog').isVisible(), true)
  await page.evaluate(() => window.release())
  await page.locator('[data-testid=permission-state][data-state=done]').waitFor()
  await page.keyboard.press('Escape')
  await page.getByTestId('permissions-dialog').waitFor({ state: 'detached' })
})

check(
  'the files of a conversation come as one scrolls, drawn where one looks, and lead to their messages',
  async (page) => {
    await page.goto(page.url().replace('scene=large', 'scene=contents'))
    await row(page, 'Album').click()
    await page.getByTestId('details').click()
    await page.getByTestId('info-files').click()
    const tiles = page.getByTestId('picture-tile')
    const drawn = page.locator('[data-testid=picture-tile] img')
    await drawn.first().waitFor()
    await frames(page)
    assert.ok((await tiles.count()) <= 100, `${await tiles.count()} were read at once`)
    await tiles.first().hover()
    for (let n = 0; n < 80 && (await tiles.count()) < 160; n++) {
      await page.mouse.wheel(0, 400)
      await frames(page)
    }
    assert.equal(await tiles.count(), 160)
    await page.mouse.wheel(0, 9_000)
    const last = tiles.last()
    await last.locator('img').waitFor()
    await frames(page)
    assert.ok((await drawn.count()) < 120, `${await drawn.count()} are drawn`)
    assert.equal(await tiles.first().locator('img').count(), 0)
    // The keyboard brings back what was given up.
    await page.getByTestId('picture-tile-go').last().focus()
    await page.keyboard.press('Home')
    await tiles.first().locator('img').waitFor()
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('ArrowUp')
    assert.equal(await tiles.first().evaluate((node) => node.contains(document.activeElement)), true)
    await page.keyboard.press('End')
    await last.locator('img').waitFor()
    const id = await last.getAttribute('data-id')
    await page.keyboard.press('Enter')
    await page.getByTestId('files-dialog').waitFor({ state: 'detached' })
    await page.waitForFunction((wanted) => document.activeElement?.dataset.id === wanted, id)
  },
)

check('one pane has a way back', async (page) => {
  await page.setViewportSize({ width: 360, height: 480 })
  await row(page, 'Winter cabin').click()
  assert.equal(await page.getByTestId('conversation-list').count(), 0)
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 360)
  await page.getByTestId('back').click()
  await page.getByTestId('conversation-list').waitFor()
})

checks.push(...own)

const only = process.argv[2] ?? ''
let failed = 0
await inChromium(async (page, base, errors) => {
  for (const [name, run] of checks) {
    if (!name.includes(only)) continue
    await page.setViewportSize({ width: 1100, height: 760 })
    await page.goto(`${base}?scene=large`)
    await page.getByTestId('conversation-row').first().waitFor()
    try {
      await run(page)
      assert.deepEqual(errors.splice(0), [])
      console.log(`ok    ${name}`)
    } catch (error) {
      failed++
      console.log(`FAIL  ${name}\n      ${error.message}`)
    }
  }
})
process.exitCode = failed === 0 ? 0 : 1
