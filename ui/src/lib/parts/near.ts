import type { Attachment } from 'svelte/attachments'

/** Pixels beyond the edges of what scrolls that count as in view, so that things are there when they come. */
const MARGIN = 400

function scrollerOf(node: Element): Element | null {
  let one = node.parentElement
  while (one !== null && !['auto', 'scroll'].includes(getComputedStyle(one).overflowY))
    one = one.parentElement
  return one
}

/** Says whenever something comes into view in what it scrolls in, or leaves it. */
export function near(tell: (is: boolean) => void): Attachment<Element> {
  return (node) => {
    const observer = new IntersectionObserver((entries) => tell(entries.at(-1)?.isIntersecting === true), {
      root: scrollerOf(node),
      rootMargin: `${MARGIN}px 0px`,
    })
    observer.observe(node)
    return () => observer.disconnect()
  }
}
