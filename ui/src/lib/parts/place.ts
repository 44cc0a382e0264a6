import type { MenuAnchor } from './menu'

const EDGE = 8

/**
 * Where something that floats goes: as near to its anchor as fits into the window, below it if there is
 * room (or above, if that is `preferred`), in line with its end.
 */
export function placeNear(
  floating: HTMLElement,
  anchor: MenuAnchor,
  preferred: 'below' | 'above' = 'below',
): { left: number; top: number } {
  const { width, height } = floating.getBoundingClientRect()
  const rtl = getComputedStyle(floating).direction === 'rtl'
  const box =
    anchor instanceof HTMLElement
      ? anchor.getBoundingClientRect()
      : { left: anchor.x, right: anchor.x + width, top: anchor.y + 4, bottom: anchor.y - 4 }
  const start = rtl ? box.left : box.right - width
  const [below, above] = [box.bottom + 4, box.top - 4 - height]
  const fits = { below: below + height <= window.innerHeight - EDGE, above: above >= EDGE }
  const other = preferred === 'below' ? 'above' : 'below'
  const side = fits[preferred] || !fits[other] ? preferred : other
  const top = side === 'below' ? below : above
  return {
    left: Math.max(EDGE, Math.min(start, window.innerWidth - width - EDGE)),
    top: Math.max(EDGE, Math.min(top, window.innerHeight - height - EDGE)),
  }
}
