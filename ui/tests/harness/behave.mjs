// What only a real browser can show: places are kept while things come and go. node tests/harness/behave.mjs
import assert from 'node:assert/strict'
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

check('one pane has a way back', async (page) => {
  await page.setViewportSize({ width: 360, height: 480 })
  await row(page, 'Winter cabin').click()
  assert.equal(await page.getByTestId('conversation-list').count(), 0)
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 360)
  await page.getByTestId('back').click()
  await page.getByTestId('conversation-list').waitFor()
})

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
