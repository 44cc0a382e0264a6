import '@testing-library/jest-dom/vitest'
import { cleanup, configure } from '@testing-library/svelte'
import { afterEach, beforeEach } from 'vitest'

configure({ asyncUtilTimeout: 8_000 })

/** What jsdom leaves out: layout. Lists are 600 pixels high, everything in them 64. */
class FixedSizes implements ResizeObserver {
  readonly #callback: ResizeObserverCallback

  constructor(callback: ResizeObserverCallback) {
    this.#callback = callback
  }

  observe(target: Element): void {
    const height = target.matches('[data-testid$=-list]') ? 600 : 64
    const entry = { target, contentRect: { width: 800, height } as DOMRectReadOnly } as ResizeObserverEntry
    queueMicrotask(() => this.#callback([entry], this))
  }

  unobserve(): void {
    // Sizes never change.
  }

  disconnect(): void {
    // Sizes never change.
  }
}

/** Without layout everything is in view. */
class AllInView {
  readonly #callback: (entries: { isIntersecting: boolean }[]) => void

  constructor(callback: (entries: { isIntersecting: boolean }[]) => void) {
    this.#callback = callback
  }

  observe(): void {
    queueMicrotask(() => this.#callback([{ isIntersecting: true }]))
  }

  disconnect(): void {
    // Nothing ever leaves.
  }
}

globalThis.ResizeObserver = FixedSizes
globalThis.IntersectionObserver = AllInView as unknown as typeof IntersectionObserver
Object.defineProperty(HTMLElement.prototype, 'offsetParent', {
  get(this: HTMLElement) {
    return this.parentElement
  },
})
HTMLElement.prototype.scrollTo = () => undefined
HTMLElement.prototype.scrollBy = () => undefined
HTMLElement.prototype.scrollIntoView = () => undefined
Object.defineProperty(HTMLDialogElement.prototype, 'showModal', {
  value(this: HTMLDialogElement) {
    this.setAttribute('open', '')
  },
})
for (const name of ['showPopover', 'hidePopover'] as const) {
  Object.defineProperty(HTMLElement.prototype, name, { value: () => undefined })
}
window.matchMedia = (query) =>
  ({ matches: query === '(pointer: fine)', media: query }) as unknown as MediaQueryList

beforeEach(() => {
  localStorage.clear()
  sessionStorage.clear()
})
afterEach(cleanup)
