/** What a key combination asks for. */
export type Shortcut =
  | { do: 'palette' | 'new-group' | 'settings' | 'shortcuts' | 'find' | 'search' | 'close' }
  | { do: 'nth'; index: number }
  | { do: 'step'; by: 1 | -1; unread: boolean }

type Keys = Pick<KeyboardEvent, 'key' | 'code' | 'ctrlKey' | 'metaKey' | 'altKey' | 'shiftKey'>

/** Reads a key press; null if it means nothing to the window. */
export function readShortcut(event: Keys): Shortcut | null {
  const command = event.ctrlKey || event.metaKey
  if (event.key === 'Escape') return { do: 'close' }
  if (event.altKey && !command && (event.key === 'ArrowUp' || event.key === 'ArrowDown')) {
    return { do: 'step', by: event.key === 'ArrowUp' ? -1 : 1, unread: event.shiftKey }
  }
  if (!command || event.altKey) return null
  const digit = /^Digit([1-9])$/.exec(event.code)?.[1]
  if (digit !== undefined) return { do: 'nth', index: Number(digit) - 1 }
  // On many keyboards the slash itself needs Shift.
  if (event.key === '/' || event.code === 'Slash') return { do: 'shortcuts' }
  if (event.key.toLowerCase() === 'f') return { do: event.shiftKey ? 'search' : 'find' }
  if (event.shiftKey) return null
  switch (event.key.toLowerCase()) {
    case 'k':
      return { do: 'palette' }
    case 'n':
      return { do: 'new-group' }
    case ',':
      return { do: 'settings' }
    default:
      return null
  }
}
