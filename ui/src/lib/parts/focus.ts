/**
 * Remembers what has the focus; the function that is returned gives it back. With `within` only if it
 * is there, or nowhere: a person who went on to something else stays there.
 */
export function focusBack(within?: HTMLElement): () => void {
  const before = document.activeElement
  return () => {
    const now = document.activeElement
    const kept = within === undefined || now === document.body || within.contains(now)
    if (kept && before instanceof HTMLElement && before.isConnected) before.focus()
  }
}
