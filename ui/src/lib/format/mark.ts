/** How many colours there are for people; `--hue-0` to `--hue-11` in tokens.css. */
export const HUES = 12

/** FNV-1a, so that two ids that differ in one character look quite different. */
function hash(text: string, seed: number): number {
  let h = (0x811c9dc5 ^ seed) >>> 0
  for (let i = 0; i < text.length; i++) {
    h ^= text.charCodeAt(i)
    h = Math.imul(h, 0x01000193) >>> 0
  }
  h ^= h >>> 15
  h = Math.imul(h, 0x2c1b3c6d) >>> 0
  return (h ^ (h >>> 13)) >>> 0
}

/** The colour of a person, by inbox id. */
export function hueOf(id: string): number {
  return hash(id, 1) % HUES
}

/** Side of the grid a mark is drawn on. */
export const MARK_SIDE = 6

/** One cell in the upper left quarter, drawn in unit squares at (x, y). */
function cell(shape: number, x: number, y: number): string {
  const [r, b] = [x + 1, y + 1]
  switch (shape) {
    case 0:
    case 1:
      return ''
    case 2:
      return `M${x} ${y}H${r}V${b}H${x}Z`
    case 3:
      return `M${x} ${y}H${r}A1 1 0 0 1 ${x} ${b}Z`
    case 4:
      return `M${r} ${y}V${b}H${x}A1 1 0 0 1 ${r} ${y}Z`
    case 5:
      return `M${x} ${y}A1 1 0 0 1 ${r} ${b}H${x}Z`
    case 6:
      return `M${r} ${b}A1 1 0 0 1 ${x} ${y}H${r}Z`
    default:
      return `M${x} ${y}H${r}L${x} ${b}Z`
  }
}

/**
 * The pattern of an id, as an SVG path for the upper left quarter of a 6 by 6 grid; it is mirrored to
 * the other three. The same id always has the same pattern, everywhere.
 */
export function pattern(id: string): string {
  let path = ''
  const half = MARK_SIDE / 2
  for (let y = 0; y < half; y++) {
    for (let x = 0; x < half; x++) path += cell(hash(id, 17 + y * half + x) % 8, x, y)
  }
  return path === '' ? cell(2, half - 1, half - 1) : path
}
