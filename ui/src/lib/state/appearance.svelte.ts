export type Theme = 'system' | 'light' | 'dark'

const THEME = 'conclave-theme'
const LIST_WIDTH = 'conclave-list-width'
export const LIST_WIDTHS = { least: 260, usual: 320, most: 460 } as const

/** How the window looks; kept on this computer. */
export class Appearance {
  #theme = $state<Theme>(readTheme())
  #listWidth = $state(clampWidth(Number(localStorage.getItem(LIST_WIDTH) ?? LIST_WIDTHS.usual)))

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

  #apply(): void {
    if (this.#theme === 'system') delete document.documentElement.dataset.theme
    else document.documentElement.dataset.theme = this.#theme
  }
}

function readTheme(): Theme {
  const stored = localStorage.getItem(THEME)
  return stored === 'light' || stored === 'dark' ? stored : 'system'
}

function clampWidth(width: number): number {
  if (!Number.isFinite(width)) return LIST_WIDTHS.usual
  return Math.min(Math.max(Math.round(width), LIST_WIDTHS.least), LIST_WIDTHS.most)
}
