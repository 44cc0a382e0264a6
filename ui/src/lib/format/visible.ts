/** What a character is shown as: itself (null), something else, or nothing at all (''). */
function shownAs(code: number, lines: boolean): string | null {
  if (code === 0x09 || code === 0x0a || code === 0x2028 || code === 0x2029) return lines ? null : ' '
  // Control characters have pictures of their own; those above 127 have none.
  if (code < 0x20) return String.fromCodePoint(0x2400 + code)
  if (code === 0x7f) return '\u2421'
  if (code >= 0x80 && code <= 0x9f) return '\ufffd'
  // Half of a character that was cut.
  if (code >= 0xd800 && code <= 0xdfff) return '\ufffd'
  // Overrides and embeddings turn what is read into another text.
  if (code >= 0x202a && code <= 0x202e) return ''
  // Marks and isolates are used honestly in whole texts, never in a name.
  const direction =
    code === 0x200e || code === 0x200f || code === 0x061c || (code >= 0x2066 && code <= 0x2069)
  if (direction) return lines ? null : ''
  const unseen =
    code === 0x00ad ||
    code === 0x200b ||
    code === 0xfeff ||
    (code >= 0x2060 && code <= 0x2064) ||
    (code >= 0x206a && code <= 0x206f) ||
    (code >= 0xfff9 && code <= 0xfffb)
  if (unseen) return ''
  // Letters and symbols that look like nothing, with which a name would look like another.
  if ([0x115f, 0x1160, 0x2800, 0x3164, 0xffa0].includes(code)) return lines ? null : ' '
  return null
}

/** The flags of England, Scotland and alike are spelled with tags; other tags are hidden text. */
const FLAG_OR_TAGS = /(\u{1f3f4}[\u{e0020}-\u{e007e}]+\u{e007f})|[\u{e0000}-\u{e007f}]+/gu

/**
 * Text of others as it may be shown: control characters are made visible or left out, and nothing in it
 * changes how the text beside it is read. A name becomes one line; with `lines`, a longer text keeps its
 * lines and its own marks of direction.
 */
export function visible(text: string, lines = false): string {
  let out = ''
  for (const char of text.replace(/\r\n?/g, '\n').replace(FLAG_OR_TAGS, '$1')) {
    out += shownAs(char.codePointAt(0) ?? 0, lines) ?? char
  }
  return lines ? out : out.replace(/ {2,}/g, ' ').trim()
}
