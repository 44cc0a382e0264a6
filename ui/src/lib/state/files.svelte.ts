import type { Backend } from '../backend/backend'
import type { Event, Message } from '../backend/generated'
import { Backwards } from './backwards.svelte'
import { inOrder, withProgress } from './messages.svelte'

/** The files of a conversation, newest first; read when they are looked at, and from then on kept up to date. */
export class Files extends Backwards {
  constructor(backend: Backend, conversationId: string) {
    super(backend, 'conversation_files', conversationId)
  }

  /** Takes in rows that came or changed. Rows beyond the last page are left out: they come with theirs. */
  receive(messages: Message[]): void {
    if (!this.loaded && !this.loading) return
    const last = this.items.at(-1)
    const isFile = ({ content, reply_to }: Message): boolean =>
      content.kind === 'attachments' && reply_to === null
    // What was deleted for everyone is no file any more.
    this.drop(messages.filter((one) => !isFile(one)).map(({ id }) => id))
    this.put(
      messages.filter(
        (one) =>
          isFile(one) &&
          (this.items.some(({ id }) => id === one.id) ||
            this.older === null ||
            last === undefined ||
            inOrder(one, last) > 0),
      ),
    )
  }

  remove(messageId: string): void {
    this.drop([messageId])
  }

  /** After a gap in the events nothing that was read can be relied on. */
  async resync(): Promise<void> {
    if (this.loaded || this.loading) await this.restart()
  }

  /** Takes in a message as a command leaves it, unless an event was quicker and says more. */
  async change(messageId: string, command: Promise<Message>): Promise<void> {
    const find = (): Message | undefined => this.items.find(({ id }) => id === messageId)
    const before = find()
    const after = await command
    if (before !== undefined && find() === before) this.put([after])
  }

  /** How far the transfer of one of them is. */
  progress(event: Extract<Event, { event: 'attachment_progress' }>): void {
    const message = this.items.find(({ id }) => id === event.message_id)
    if (message !== undefined) this.put([withProgress(message, event)])
  }
}
