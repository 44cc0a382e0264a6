import { SvelteMap } from 'svelte/reactivity'
import { toApiError, type Backend } from '../backend/backend'
import type { ApiError, PermissionOption } from '../backend/generated'
import {
  changesOf,
  presetOf,
  presetOptions,
  ROWS,
  type Cells,
  type PresetName,
  type RowId,
} from '../format/permissions'
import { words } from '../words'
import type { Rules } from './rules.svelte'

const OPEN = ['unconfirmed', 'unsettled']

/** Permissions that were chosen and are not applied yet. */
export class PermissionDraft {
  readonly chosen = new SvelteMap<RowId, PermissionOption>()
  phase = $state<'editing' | 'sending' | 'done' | 'failed'>('editing')
  failure = $state<ApiError | null>(null)
  /** Whether what failed may still come about: it was sent, or waits to be. */
  readonly isOpen = $derived(this.failure !== null && OPEN.includes(this.failure.code))

  /** Chooses a cell; the one that stands there already takes the change back. */
  choose(cells: Cells, id: RowId, option: PermissionOption): void {
    if (cells[id].option === option) this.chosen.delete(id)
    else this.chosen.set(id, option)
    this.#editing()
  }

  /** Chooses whatever makes the cells equal a preset. */
  choosePreset(cells: Cells, name: PresetName): void {
    const options = presetOptions(name)
    for (const { id } of ROWS) this.choose(cells, id, options[id])
  }

  preset(cells: Cells): PresetName | null {
    return presetOf(cells, this.chosen)
  }

  undo(id: RowId): void {
    this.chosen.delete(id)
    this.#editing()
  }

  clear(): void {
    this.chosen.clear()
    this.#editing()
  }

  /** The group changed: what stands there by now needs no change any more. */
  rebase(cells: Cells): void {
    for (const [id, option] of [...this.chosen]) if (cells[id].option === option) this.chosen.delete(id)
    if (this.chosen.size > 0 || !this.isOpen) return
    this.phase = 'done'
    this.failure = null
  }

  /** Sends everything that was chosen, in one commit. */
  async apply(backend: Backend, rules: Rules): Promise<void> {
    this.phase = 'sending'
    this.failure = null
    try {
      const answer = await backend.call('permissions_set', {
        conversation_id: rules.conversationId,
        changes: changesOf(this.chosen),
      })
      this.chosen.clear()
      rules.take(answer)
      this.phase = 'done'
    } catch (error) {
      this.failure = toApiError(error, words.errors.internal)
      this.phase = 'failed'
    }
  }

  #editing(): void {
    this.phase = 'editing'
    this.failure = null
  }
}
