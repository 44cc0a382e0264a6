import type { Attachment, ListFilter } from '../backend/generated'

export type DialogName =
  | 'new-group'
  | 'new-direct'
  | 'palette'
  | 'search'
  | 'shortcuts'
  | 'settings'
  | 'people'
  | 'devices'
  | 'history'
  | 'archive-export'
  | 'archive-import'
  | 'local-data'

/** What is open. */
export class Navigation {
  filter = $state<ListFilter>('all')
  conversationId = $state<string | null>(null)
  /** The right pane, or the page over the conversation in a narrow window. */
  info = $state(false)
  dialog = $state<DialogName | null>(null)
  /** Asks whether to block someone and leave; outlives the conversation, which is hidden on the way. */
  blockAndLeave = $state.raw<{ conversationId: string; inboxId: string } | null>(null)
  /** Whether something is looked for in the conversation that is open. */
  finding = $state(false)
  /** What was searched for everywhere. */
  searchFor = $state('')
  /** A link that was pressed: the person is asked before it opens. */
  link = $state<string | null>(null)
  /** The picture that is shown as a whole. */
  picture = $state.raw<{ messageId: string; item: Attachment } | null>(null)
  /** The transfer of history that is looked at, by its pin. */
  transfer = $state<string | null>(null)
  /** A device that is asked about before it is revoked, by its id. */
  revoking = $state<string | null>(null)
  /** The message to go to in the conversation that is open. */
  jumpTo = $state<string | null>(null)

  jump(messageId: string): void {
    this.jumpTo = messageId
  }

  open(conversationId: string): void {
    this.conversationId = conversationId
    this.jumpTo = null
    this.finding = false
    this.dialog = null
  }

  /** Nothing is open. */
  reset(): void {
    this.conversationId = null
    this.dialog = null
    this.transfer = null
    this.revoking = null
    this.info = false
    this.finding = false
  }

  /** Opens a conversation at a message. */
  openAt(conversationId: string, messageId: string): void {
    if (this.conversationId !== conversationId) this.open(conversationId)
    this.jumpTo = messageId
  }

  /** Closes the topmost thing; says whether there was one. Dialogs close by themselves. */
  close(narrow: boolean, overlaid: boolean): boolean {
    if (this.info && overlaid) this.info = false
    else if (this.finding) this.finding = false
    else if (narrow && this.conversationId !== null) this.conversationId = null
    else if (this.info) this.info = false
    else return false
    return true
  }
}
