import { screen, waitFor, within } from '@testing-library/svelte'
import { beforeEach, describe, expect, it } from 'vitest'
import { fail, MemoryBackend } from '../memory/backend'
import { conversation, member, text } from '../memory/world'
import { lastCall, minutesAgo, open, openConversation } from './open'

let backend: MemoryBackend

beforeEach(() => {
  backend = new MemoryBackend()
  backend.add(
    conversation({ id: 'cabin', name: 'Cabin' }),
    [
      text('cabin', 'bo', 'The stove needs wood', minutesAgo(3_000)),
      text('cabin', 'caro', 'Which road is open?', minutesAgo(2_000)),
      text('cabin', 'bo', 'Wood is stacked behind the shed', minutesAgo(50)),
      text('cabin', 'alix', 'I bring <b>more</b> wood', minutesAgo(40)),
    ],
    [member('alix'), member('bo'), member('caro')],
  )
  backend.add(
    conversation({ id: 'choir', name: 'Choir' }),
    [
      text('choir', 'caro', 'The woodwinds come later', minutesAgo(500)),
      text('choir', 'caro', 'Small hall today', minutesAgo(400)),
    ],
    [member('alix'), member('caro')],
  )
})

const messageWith = async (words: string): Promise<HTMLElement> => {
  const all = await screen.findAllByTestId('message')
  const found = all.find(({ textContent }) => textContent.includes(words))
  if (found === undefined) throw new Error(`${words} is not shown`)
  return found
}

describe('finding in a conversation', () => {
  it('counts, marks, goes from match to match, and gives the keyboard back', async () => {
    const user = await openConversation(backend)
    await user.click(screen.getByTestId('composer'))
    await user.keyboard('{Control>}f{/Control}')
    await waitFor(() => expect(screen.getByTestId('find-input')).toHaveFocus())
    await user.keyboard('wood')
    await waitFor(() => expect(screen.getByTestId('find-count')).toHaveTextContent('1 of 3'))
    expect(lastCall(backend, 'search_messages')).toMatchObject({ query: 'wood', conversation_id: 'cabin' })
    expect((await messageWith('bring')).querySelector('mark')).toHaveTextContent('wood')
    await waitFor(async () => expect(await messageWith('bring')).toHaveClass('pointed'))
    await user.keyboard('{Enter}')
    expect(screen.getByTestId('find-count')).toHaveTextContent('2 of 3')
    await waitFor(async () => expect(await messageWith('stacked')).toHaveClass('pointed'))
    expect(screen.getByTestId('find-input')).toHaveFocus()
    await user.keyboard('{Shift>}{Enter}{/Shift}')
    expect(screen.getByTestId('find-count')).toHaveTextContent('1 of 3')
    await user.keyboard('{Escape}')
    expect(screen.queryByTestId('find-bar')).toBeNull()
    expect(document.querySelector('mark')).toBeNull()
    await waitFor(() => expect(screen.getByTestId('composer')).toHaveFocus())
  })

  it('says that there is nothing, or what is wrong', async () => {
    const user = await openConversation(backend)
    await user.click(screen.getByTestId('find'))
    await user.keyboard('zebra')
    await waitFor(() => expect(screen.getByTestId('find-count')).toHaveTextContent('Nothing was found'))
    expect(screen.getByTestId('find-older')).toBeDisabled()
    await user.clear(screen.getByTestId('find-input'))
    await user.type(screen.getByTestId('find-input'), 'before:tomorrow')
    await waitFor(() => expect(screen.getByTestId('find-count')).toHaveTextContent('is not a date'))
  })

  it('jumps to a date', async () => {
    const user = await openConversation(backend)
    await user.click(screen.getByTestId('find'))
    await user.click(screen.getByTestId('find-date'))
    const day = new Date(Date.now() - 2_000 * 60_000)
    const two = (n: number): string => String(n).padStart(2, '0')
    await user.clear(await screen.findByTestId('date-input'))
    await user.type(
      screen.getByTestId('date-input'),
      `${day.getFullYear()}-${two(day.getMonth() + 1)}-${two(day.getDate())}`,
    )
    await user.click(screen.getByTestId('date-dialog-confirm'))
    const midnight = new Date(day.getFullYear(), day.getMonth(), day.getDate()).getTime()
    expect(lastCall(backend, 'message_list')).toMatchObject({
      anchor: { at: 'date', at_ns: `${midnight}000000` },
    })
    await waitFor(() => expect(screen.queryByTestId('date-dialog')).toBeNull())
    await waitFor(() => expect(document.activeElement?.getAttribute('data-testid')).toBe('message'))
  })
})

describe('searching everywhere', () => {
  it('groups what is found, marks it by nodes, and opens it where it was said', async () => {
    const user = open(backend)
    await screen.findByRole('button', { name: /Cabin/ })
    await user.keyboard('{Control>}{Shift>}F{/Shift}{/Control}')
    await user.type(await screen.findByTestId('search-input'), 'wood')
    await waitFor(() => expect(screen.getAllByTestId('search-hit')).toHaveLength(4))
    const results = screen.getByTestId('search-results')
    expect(
      within(results)
        .getAllByRole('group')
        .map((one) => one.textContent),
    ).toEqual([expect.stringMatching(/^\s*Cabin/), expect.stringMatching(/^\s*Choir/)])
    expect(results.querySelector('b')).toBeNull()
    expect(within(results).getAllByText(/^wood$/i, { selector: 'mark' })).toHaveLength(4)
    await user.keyboard('{ArrowDown}{ArrowDown}{ArrowDown}{Enter}')
    await waitFor(() => expect(screen.getByTestId('open-title')).toHaveTextContent('Choir'))
    expect(screen.queryByTestId('search-dialog')).toBeNull()
    await waitFor(async () => expect(await messageWith('woodwinds')).toHaveFocus())
  })

  it('explains its filters, puts them in, and says what is wrong with one', async () => {
    const user = open(backend)
    await screen.findByRole('button', { name: /Cabin/ })
    await user.keyboard('{Control>}{Shift>}F{/Shift}{/Control}')
    expect(await screen.findByTestId('search-dialog')).toHaveTextContent('before:2026-11-01')
    await user.type(screen.getByTestId('search-input'), 'wood')
    await user.click(screen.getAllByTestId('search-filter')[0] as HTMLElement)
    expect(screen.getByTestId('search-input')).toHaveValue('wood from:')
    await user.keyboard('bo')
    await waitFor(() => expect(screen.getAllByTestId('search-hit')).toHaveLength(2))
    await user.keyboard(' after:soon')
    expect(await screen.findByTestId('search-problem')).toHaveTextContent('“soon” is not a date')
  })

  it('says why it did not work, and that nothing was found', async () => {
    backend.refuse.set('search_messages', fail('storage', 'The database cannot be read.'))
    const user = open(backend)
    await screen.findByRole('button', { name: /Cabin/ })
    await user.keyboard('{Control>}k{/Control}')
    await user.type(screen.getByTestId('palette-input'), 'zebra')
    await user.keyboard('{ArrowUp}{Enter}')
    expect(await screen.findByTestId('search-input')).toHaveValue('zebra')
    expect(await screen.findByTestId('problem')).toHaveTextContent('cannot be read')
    backend.refuse.clear()
    await user.type(screen.getByTestId('search-input'), 's')
    expect(await screen.findByTestId('search-nothing')).toBeVisible()
  })
})

describe('the menu of a row', () => {
  it('marks a conversation unread and read again', async () => {
    const user = open(backend)
    const row = await screen.findByRole('button', { name: /Choir/ })
    await user.pointer({ target: row, keys: '[MouseRight]' })
    await user.click(await screen.findByTestId('row-menu-unread'))
    expect(lastCall(backend, 'conversation_mark_unread')).toEqual({
      conversation_id: 'choir',
    })
    await waitFor(() => expect(row).toHaveAttribute('data-unread', '1'))
    row.focus()
    await user.keyboard('{Shift>}{F10}{/Shift}')
    await user.click(await screen.findByTestId('row-menu-read'))
    await waitFor(() => expect(row).toHaveAttribute('data-unread', '0'))
  })
})
