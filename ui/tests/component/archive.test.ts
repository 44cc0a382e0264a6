import { screen, waitFor } from '@testing-library/svelte'
import type { UserEvent } from '@testing-library/user-event'
import { beforeEach, describe, expect, it } from 'vitest'
import type { PathKind, Shell } from '../../src/lib/backend/backend'
import { MemoryBackend } from '../memory/backend'
import { gate, lastCall, open } from './open'

let backend: MemoryBackend

beforeEach(() => {
  backend = new MemoryBackend()
})

async function openArchive(what: 'export' | 'import'): Promise<UserEvent> {
  const user = open(backend)
  await user.click(await screen.findByTestId('settings'))
  await user.click(screen.getByTestId('settings-devices'))
  await user.click(await screen.findByTestId(`archive-${what}-open`))
  await screen.findByTestId(`${what}-dialog`)
  return user
}

/** A desktop whose dialog gives this path. */
function desktop(path: string | null, asked: unknown[] = []): Shell {
  return {
    chooseFiles: () => Promise.resolve([]),
    saveAttachment: () => Promise.resolve(null),
    choosePath: (kind: PathKind, suggested: string) => {
      asked.push([kind, suggested])
      return Promise.resolve(path)
    },
    openLink: () => Promise.resolve(),
  }
}

describe('saving the history to a file', () => {
  it('takes a passphrase, typed twice and long enough', async () => {
    const user = await openArchive('export')
    const save = screen.getByTestId('export-save')
    await user.type(screen.getByTestId('export-path'), '/home/alix/history.conclave')
    expect(save).toBeDisabled()
    await user.type(screen.getByTestId('passphrase-new'), 'short')
    await user.tab()
    expect(screen.getByTestId('passphrase-new')).toHaveAttribute('aria-invalid', 'true')
    await user.clear(screen.getByTestId('passphrase-new'))
    await user.type(screen.getByTestId('passphrase-new'), 'correct horse')
    await user.type(screen.getByTestId('passphrase-again'), 'correct hors')
    await user.tab()
    expect(screen.getByText('The two are not the same.')).toBeVisible()
    expect(save).toBeDisabled()
    await user.type(screen.getByTestId('passphrase-again'), 'e')
    await user.click(save)
    expect(await screen.findByTestId('exported-messages')).toHaveTextContent('4,211')
    expect(screen.getByTestId('exported-left-out')).toHaveTextContent('2 messages were left out')
    expect(screen.queryByTestId('export-key')).toBeNull()
    expect(lastCall(backend, 'archive_export')).toMatchObject({
      ...{ path: '/home/alix/history.conclave', passphrase: 'correct horse', start_ns: null, end_ns: null },
      ...{ exclude_disappearing: true, exclude_denied: true },
    })
  })

  it('shows a printed key once, with a warning, and only a word of the person leaves it', async () => {
    const user = await openArchive('export')
    await user.type(screen.getByTestId('export-path'), '/home/alix/history.conclave')
    await user.click(screen.getByTestId('protect-key'))
    await user.click(screen.getByTestId('range-year'))
    await user.click(screen.getByTestId('without-denied'))
    await user.click(screen.getByTestId('export-save'))
    const key = await screen.findByTestId('export-key')
    expect(key).toHaveTextContent('0f1e2d3c 4b5a6978')
    expect(key).toHaveAttribute('aria-label', expect.stringContaining('Copy key'))
    expect(screen.getByTestId('export-dialog')).toHaveTextContent('kept nowhere')
    expect(lastCall(backend, 'archive_export')).toMatchObject({
      ...{ passphrase: null, start_ns: expect.any(String) as string, exclude_denied: false },
    })
    await user.keyboard('{Escape}')
    expect(screen.getByTestId('export-key')).toBeVisible()
    await user.click(screen.getByTestId('export-done'))
    await waitFor(() => expect(screen.queryByTestId('export-dialog')).toBeNull())
  })

  it('says why it could not be written, and keeps what was typed', async () => {
    const user = await openArchive('export')
    await user.type(screen.getByTestId('export-path'), '/home/alix/taken')
    await user.click(screen.getByTestId('protect-key'))
    await user.click(screen.getByTestId('export-save'))
    expect(await screen.findByTestId('problem')).toHaveTextContent('Choose another one')
    expect(screen.getByTestId('export-path')).toHaveValue('/home/alix/taken')
  })

  it('shows how far it is, and can be stopped', async () => {
    const held = gate()
    backend.pace.gate = held.promise
    const user = await openArchive('export')
    await user.type(screen.getByTestId('export-path'), '/home/alix/history.conclave')
    await user.click(screen.getByTestId('protect-key'))
    await user.click(screen.getByTestId('export-save'))
    await waitFor(() => expect(screen.getByTestId('progress')).toHaveTextContent('50 %'))
    const { operation_id } = lastCall(backend, 'archive_export') as { operation_id: string }
    await user.click(screen.getByTestId('operation-cancel'))
    expect(lastCall(backend, 'operation_cancel')).toEqual({ operation_id })
    held.open()
    await screen.findByTestId('export-done')
  })

  it('is chosen in the desktop’s own dialog, where there is one', async () => {
    const asked: unknown[] = []
    backend.shell = desktop('/home/alix/Documents/history.conclave', asked)
    const user = await openArchive('export')
    await user.click(screen.getByTestId('export-path'))
    expect(await screen.findByTestId('export-path-chosen')).toHaveTextContent('Documents')
    expect(asked).toEqual([['new_file', 'history.conclave']])
    await user.click(screen.getByTestId('protect-key'))
    await user.click(screen.getByTestId('export-save'))
    await screen.findByTestId('export-key')
    expect(lastCall(backend, 'archive_export')).toMatchObject({
      path: '/home/alix/Documents/history.conclave',
    })
  })

  it('keeps the file that was chosen when the dialog is closed', async () => {
    backend.shell = desktop(null)
    const user = await openArchive('export')
    await user.click(screen.getByTestId('export-path'))
    expect(screen.getByTestId('export-path-chosen')).toHaveTextContent('No file chosen')
    expect(screen.getByTestId('export-save')).toBeDisabled()
  })
})

describe('taking a file in', () => {
  it('shows what is inside before anything is changed, then what became of it', async () => {
    const user = await openArchive('import')
    await user.type(screen.getByTestId('import-path'), '/home/alix/history.conclave')
    await user.type(screen.getByTestId('import-opens'), 'correct horse')
    await user.click(screen.getByTestId('import-inspect'))
    expect(await screen.findByTestId('inside-messages')).toHaveTextContent('4,211')
    expect(screen.getByTestId('inside-skipped')).toHaveTextContent('3 entries')
    expect(screen.getByTestId('inside-unsealed')).toBeInTheDocument()
    expect(lastCall(backend, 'archive_import')).toBeUndefined()
    await user.click(screen.getByTestId('import-take'))
    expect(await screen.findByTestId('taken-messages')).toHaveTextContent('3,100')
    expect(screen.getByTestId('taken-skipped')).toHaveTextContent('3')
    expect(screen.getByTestId('import-dialog')).toHaveTextContent('8 conversations, 1,111 messages')
    expect(screen.getByTestId('read-only-note')).toBeInTheDocument()
    expect(lastCall(backend, 'archive_import')).toMatchObject({ passphrase: 'correct horse', key: null })
  })

  it('says that the passphrase is wrong, and takes another', async () => {
    const user = await openArchive('import')
    await user.type(screen.getByTestId('import-path'), '/home/alix/history.conclave')
    await user.type(screen.getByTestId('import-opens'), 'wrong')
    await user.click(screen.getByTestId('import-inspect'))
    expect(await screen.findByTestId('problem')).toHaveTextContent('Nothing was taken in')
    await user.clear(screen.getByTestId('import-opens'))
    await user.type(screen.getByTestId('import-opens'), 'correct horse')
    await user.click(screen.getByTestId('import-inspect'))
    await screen.findByTestId('inside-messages')
    await user.click(screen.getByTestId('import-back'))
    expect(screen.getByTestId('import-path')).toHaveValue('/home/alix/history.conclave')
  })

  it('opens by a printed key', async () => {
    const user = await openArchive('import')
    await user.type(screen.getByTestId('import-path'), '/home/alix/history.conclave')
    await user.type(screen.getByTestId('import-opens'), 'typed before')
    await user.click(screen.getByTestId('opener-key'))
    expect(screen.getByTestId('import-opens')).toHaveValue('')
    await user.type(screen.getByTestId('import-opens'), ' 0f1e 2d3c ')
    await user.click(screen.getByTestId('import-inspect'))
    await screen.findByTestId('inside-messages')
    expect(lastCall(backend, 'archive_inspect')).toMatchObject({ passphrase: null, key: '0f1e 2d3c' })
  })
})
