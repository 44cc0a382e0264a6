import type { Component } from 'svelte'

/** One thing that can be done from a menu. */
export type MenuItem = {
  id: string
  label: string
  icon?: Component<{ size?: number | string }>
  /** Why it cannot be done now; then it is shown, and heard, and does nothing. */
  reason?: string | null
  danger?: boolean
  run: () => void
}

/** Where a menu opens: below an element, or at a place in the window. */
export type MenuAnchor = HTMLElement | { x: number; y: number }

/** Whether a key press asks for the menu of what has the focus. */
export function asksForMenu(event: KeyboardEvent): boolean {
  return event.key === 'ContextMenu' || (event.shiftKey && event.key === 'F10')
}
