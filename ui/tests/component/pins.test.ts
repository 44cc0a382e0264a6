import { screen, waitFor, within } from '@testing-library/svelte'
import { beforeEach, describe, expect, it } from 'vitest'
import { fail, MemoryBackend } from '../memory/backend'
import { conversation, member, text } from '../memory/world'
import { lastCall, minutesAgo, openConversation } from './open'

let backend: MemoryBackend
const members = [member('alix', 'super_admin'), member('bo'), member('caro')]
const messageId = (words: string): string =>
  backend.messages.get('cabin')?.find((one) => one.text === words)?.id ?? ''

beforeEach(() => {
  backend = new MemoryBackend()
  const lines = Array.from({ length: 5 }, (_, n) => text('cabin', 'bo', `Line ${n}`, minutesAgo(300 - n)))
  backend.add(conversation({ id: 'cabin', name: 'Cabin' }), lines, members)
})

const bubble = async (words: string): Promise<HTMLElement> => {
  const found = await screen.findByText(words, { selector: '[data-testid=message-text]' })
  return found.closest('[data-testid=message]') as HTMLElement
}

describe('pinning', () => {
  it('is done from the menu of a message, for everyone', async () => {
    const user = await openConversation(backend)
    const last = await bubble('Line 4')
    expect(screen.queryByTestId('pin-bar')).toBeNull()
    await user.click(within(last).getByTestId('message-menu-open'))
    await user.click(screen.getByTestId('message-menu-pin'))
    expect(lastCall(backend, 'pin_set')).toEqual({
      conversation_id: 'cabin',
      message_id: messageId('Line 4'),
      pinned: true,
    })
    expect(await screen.findByTestId('pin-text')).toHaveTextContent('Line 4')
    expect(await within(await bubble('Line 4')).findByTestId('message-pinned')).toBeInTheDocument()
    await user.click(within(await bubble('Line 4')).getByTestId('message-menu-open'))
    await user.click(screen.getByTestId('message-menu-pin'))
    await waitFor(() => expect(screen.queryByTestId('pin-bar')).toBeNull())
  })

  it('is reached by the keyboard', async () => {
    const user = await openConversation(backend)
    const last = await bubble('Line 4')
    await waitFor(() => expect(last).toHaveAttribute('tabindex', '0'))
    last.focus()
    await user.keyboard('{Enter}')
    await waitFor(() => expect(screen.getByTestId('message-menu-react')).toHaveFocus())
    await user.keyboard('{ArrowDown}{ArrowDown}{ArrowDown}{Enter}')
    await waitFor(() => expect(lastCall(backend, 'pin_set')).toMatchObject({ pinned: true }))
  })

  it('says who may do it, and that there is a most', async () => {
    backend.put('cabin', { pinned: Array.from({ length: 20 }, (_, n) => String(n).padStart(64, '0')) })
    const user = await openConversation(backend)
    await user.click(within(await bubble('Line 4')).getByTestId('message-menu-open'))
    expect(screen.getByTestId('message-menu-pin')).toHaveAccessibleDescription(/20 messages are pinned/)
    await user.keyboard('{Escape}')
    backend.members.set('cabin', [member('alix'), member('bo', 'super_admin')])
    backend.put('cabin', { epoch: 7 })
    await waitFor(async () => {
      await user.keyboard('{Escape}')
      await user.click(within(await bubble('Line 4')).getByTestId('message-menu-open'))
      expect(screen.getByTestId('message-menu-pin')).toHaveAccessibleDescription(
        /^Only admins may pin messages/,
      )
    })
  })

  it('says why it did not work', async () => {
    backend.refuse.set('pin_set', fail('offline', 'The node does not answer.'))
    const user = await openConversation(backend)
    await user.click(within(await bubble('Line 4')).getByTestId('message-menu-open'))
    await user.click(screen.getByTestId('message-menu-pin'))
    expect(await screen.findByTestId('problem')).toHaveTextContent('The node does not answer.')
  })
})

describe('the bar', () => {
  it('goes from pin to pin', async () => {
    backend.put('cabin', { pinned: [messageId('Line 3'), messageId('Line 1')] })
    const user = await openConversation(backend)
    const jump = await screen.findByTestId('pin-jump')
    expect(screen.getByTestId('pin-bar')).toHaveTextContent(/Pinned message 1 of 2.*Line 3/)
    await user.click(jump)
    await waitFor(async () => expect(await bubble('Line 3')).toHaveFocus())
    expect(screen.getByTestId('pin-bar')).toHaveTextContent(/2 of 2.*Line 1/)
    await user.click(jump)
    await waitFor(async () => expect(await bubble('Line 1')).toHaveFocus())
    expect(screen.getByTestId('pin-bar')).toHaveTextContent(/1 of 2/)
  })

  it('lists all, explains what is not here, and unpins', async () => {
    backend.put('cabin', { pinned: [messageId('Line 1'), 'e'.repeat(64)] })
    const user = await openConversation(backend)
    await user.click(await screen.findByTestId('pin-list-open'))
    const [here, missing] = screen.getAllByTestId('pin')
    expect(here).toHaveTextContent('Line 1')
    expect(missing).toHaveTextContent(/not on this device.*before you were added/)
    expect(screen.getByTestId('pins-count')).toHaveTextContent('2 of 20')
    await user.click(within(missing as HTMLElement).getByTestId('pin-remove'))
    expect(lastCall(backend, 'pin_set')).toMatchObject({ message_id: 'e'.repeat(64), pinned: false })
    await waitFor(() => expect(screen.getAllByTestId('pin')).toHaveLength(1))
    await user.click(screen.getByTestId('pin-go'))
    await waitFor(() => expect(screen.queryByTestId('pins-dialog')).toBeNull())
  })

  it('of someone who may not unpin has no button for it, and says why', async () => {
    backend.members.set('cabin', [member('alix'), member('bo', 'super_admin')])
    backend.put('cabin', { pinned: [messageId('Line 1')] })
    const user = await openConversation(backend)
    await user.click(await screen.findByTestId('pin-list-open'))
    expect(await screen.findByTestId('pins-why')).toHaveTextContent(/^Only admins may pin messages here/)
    expect(screen.queryByTestId('pin-remove')).toBeNull()
  })
})
