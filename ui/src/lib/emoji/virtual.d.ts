declare module 'virtual:emoji' {
  /** Emoji, group, label, further words. */
  const all: [string, number, string, string][]
  export default all
}
