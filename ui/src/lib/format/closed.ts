import type { Conversation, Message } from '../backend/generated'
import { words } from '../words'
import { visible } from './visible'

/** How we came to be out of a group, as far as the messages that are there tell. */
function departure(messages: readonly Message[], self: string | null): 'left' | { by: string } | null {
  for (let at = messages.length - 1; at >= 0; at--) {
    const content = messages[at]?.content
    if (content?.kind !== 'group_updated' || self === null) continue
    if (content.left.includes(self)) return 'left'
    if (content.removed.includes(self)) return content.by === self ? 'left' : { by: content.by }
  }
  return null
}

/** Why nothing can be written in a conversation; null if it can. */
export function closedReason(
  conversation: Conversation,
  messages: readonly Message[],
  self: string | null,
  name: (inboxId: string) => string,
  revoked: boolean,
): string | null {
  const { composer } = words
  if (revoked) return words.devices.composerRevoked
  if (conversation.is_restored === true) return words.restored.composer
  if (!conversation.is_active) {
    const how = departure(messages, self)
    if (how === null) return composer.inactive
    return how === 'left' ? composer.departed : composer.removedBy(name(how.by))
  }
  if (conversation.paused_for_version !== null)
    return composer.paused(visible(conversation.paused_for_version))
  if (conversation.fork?.state === 'confirmed') return composer.forked
  return conversation.leaving ? composer.leaving : null
}
