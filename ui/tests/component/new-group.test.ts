import { screen, waitFor, within } from '@testing-library/svelte'
import { describe, expect, it } from 'vitest'
import { MemoryBackend } from '../memory/backend'
import { people } from '../memory/world'
import { lastCall, open, stepByStep } from './open'

const { bo, caro, davon } = people

describe('a new group', () => {
  it('has the permissions and the time that were chosen', async () => {
    const backend = new MemoryBackend()
    const user = open(backend)
    await user.click(await screen.findByTestId('empty-new-group'))
    await user.type(screen.getByTestId('group-name'), 'Council')
    expect(screen.queryByTestId('permission-grid')).toBeNull()
    await user.click(screen.getByTestId('preset-custom'))
    const pins = screen.getAllByTestId('permission-row').find(({ dataset }) => dataset.row === 'pins')
    await user.click(within(pins as HTMLElement).getByRole('radio', { name: 'Pin messages: Everyone' }))
    await user.selectOptions(screen.getByTestId('disappearing-choice'), '1 day')
    await user.click(screen.getByTestId('create'))
    expect(lastCall(backend, 'group_create')).toMatchObject({
      name: 'Council',
      preset: 'everyone',
      permissions: [{ key: 'update_metadata.conclave.pinned_messages', option: 'allow' }],
      disappearing_in_ns: '86400000000000',
    })
    await waitFor(() => expect(screen.getByTestId('open-title')).toHaveTextContent('Council'))
  })

  it('sends no permissions but those of its preset, and no time, if none was chosen', async () => {
    const backend = new MemoryBackend()
    const user = open(backend)
    await user.click(await screen.findByTestId('empty-new-group'))
    await user.click(screen.getByTestId('preset-custom'))
    await user.click(screen.getByRole('radio', { name: 'Pin messages: Everyone' }))
    await user.click(screen.getByTestId('preset-admins'))
    await user.click(screen.getByTestId('create'))
    expect(lastCall(backend, 'group_create')).toMatchObject({
      preset: 'admins',
      permissions: [],
      disappearing_in_ns: null,
    })
  })

  it('can be stopped on the way, and names those who are not in it', async () => {
    const backend = new MemoryBackend()
    const release = stepByStep(backend)
    const user = open(backend)
    await user.click(await screen.findByTestId('empty-new-group'))
    await user.click(screen.getByTestId('who-input'))
    await user.paste(`${bo.address} ${caro.address} ${davon.address} `)
    await waitFor(() => expect(screen.getByTestId('who-summary')).toHaveTextContent('3 people can be added'))
    await user.click(screen.getByTestId('create'))
    await screen.findByTestId('progress')
    await user.click(screen.getByTestId('operation-cancel'))
    release()
    await screen.findByTestId('group-created')
    const failures = screen.getAllByTestId('failure')
    expect(failures).toHaveLength(2)
    expect(failures[0]).toHaveAttribute('data-code', 'cancelled')
    await user.click(screen.getByTestId('open-group'))
    await waitFor(() => expect(screen.getByTestId('open-title')).toHaveTextContent('Unnamed group'))
  })
})
