import type { ListFilter } from '../backend/generated'

export type DialogName = 'new-group' | 'new-direct' | 'palette' | 'shortcuts' | 'settings'

/** What is open. */
export class Navigation {
  filter = $state<ListFilter>('all')
  conversationId = $state<string | null>(null)
  /** The right pane, or the page over the conversation in a narrow window. */
  info = $state(false)
  dialog = $state<DialogName | null>(null)

  open(conversationId: string): void {
    this.conversationId = conversationId
    this.dialog = null
  }

  /** Closes the topmost thing; says whether there was one. Dialogs close by themselves. */
  close(narrow: boolean, overlaid: boolean): boolean {
    if (this.info && overlaid) this.info = false
    else if (narrow && this.conversationId !== null) this.conversationId = null
    else if (this.info) this.info = false
    else return false
    return true
  }
}
