export type Theme = 'system' | 'light' | 'dark'

const THEME = 'conclave-theme'
const LIST_WIDTH = 'conclave-list-width'
const ENTER_BREAKS = 'conclave-enter-breaks'
const MARKDOWN = 'conclave-markdown'
export const LIST_WIDTHS = { least: 260, usual: 320, most: 460 } as const

/** How the window looks and is written in; kept on this computer. */
export class Appearance {
  #theme = $state<Theme>(readTheme())
  #listWidth = $state(clampWidth(Number(localStorage.getItem(LIST_WIDTH) ?? LIST_WIDTHS.usual)))
  #enterSends = $state(localStorage.getItem(ENTER_BREAKS) === null)
  #markdown = $state(localStorage.getItem(MARKDOWN) !== null)

  constructor() {
    this.#apply()
  }

  get theme(): Theme {
    return this.#theme
  }

  set theme(theme: Theme) {
    this.#theme = theme
    localStorage.setItem(THEME, theme)
    this.#apply()
  }

  /** Pixels. */
  get listWidth(): number {
    return this.#listWidth
  }

  set listWidth(width: number) {
    this.#listWidth = clampWidth(width)
    localStorage.setItem(LIST_WIDTH, String(this.#listWidth))
  }

  /** Whether Enter sends; else it breaks the line, and with Ctrl it sends. */
  get enterSends(): boolean {
    return this.#enterSends
  }

  set enterSends(sends: boolean) {
    this.#enterSends = sends
    keep(ENTER_BREAKS, !sends)
  }

  /** Whether what is written is sent as markdown. */
  get markdown(): boolean {
    return this.#markdown
  }

  set markdown(on: boolean) {
    this.#markdown = on
    keep(MARKDOWN, on)
  }

  #apply(): void {
    if (this.#theme === 'system') delete document.documentElement.dataset.theme
    else document.documentElement.dataset.theme = this.#theme
  }
}

function keep(key: string, on: boolean): void {
  if (on) localStorage.setItem(key, 'yes')
  else localStorage.removeItem(key)
}

function readTheme(): Theme {
  const stored = localStorage.getItem(THEME)
  return stored === 'light' || stored === 'dark' ? stored : 'system'
}

function clampWidth(width: number): number {
  if (!Number.isFinite(width)) return LIST_WIDTHS.usual
  return Math.min(Math.max(Math.round(width), LIST_WIDTHS.least), LIST_WIDTHS.most)
}
