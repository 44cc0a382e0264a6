/** The most bytes of UTF-8 a message may have. */
export const MESSAGE_BYTES = 65_536
/** The most bytes of UTF-8 a group's name may have. */
export const NAME_BYTES = 100
/** The most bytes of UTF-8 a group's description may have. */
export const DESCRIPTION_BYTES = 1_000

const encoder = new TextEncoder()

/** Length in bytes of UTF-8. */
export function byteLength(text: string): number {
  return encoder.encode(text).length
}
