export type ServerProblem = 'malformed' | 'not_https' | 'account' | 'query'

/** Why files cannot be put on a server of this address; null if they can, or if none is named. */
export function serverProblem(address: string): ServerProblem | null {
  if (address === '') return null
  // Else the browser's reading would repair what the engine takes as it is.
  if (/[\s\\]/.test(address) || !/^[a-z][a-z0-9+.-]*:\/\/[^/]/i.test(address)) return 'malformed'
  if (!URL.canParse(address)) return 'malformed'
  const { protocol, username, password } = new URL(address)
  if (protocol !== 'https:') return 'not_https'
  if (username !== '' || password !== '') return 'account'
  // The name of each file is put at its end.
  if (/[?#]/.test(address)) return 'query'
  return null
}
