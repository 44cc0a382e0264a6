import type { PermissionOption, Role } from '../backend/generated'
import { words } from '../words'

/** A condition: one of the four rules, or a tree of them that another app made. */
export type Policy = { rule: PermissionOption } | { of: 'all' | 'any'; parts: Policy[] }

const RULES: readonly string[] = ['allow', 'admin', 'super_admin', 'deny']
const DEEPEST = 16

export const isRule = (text: string): text is PermissionOption => RULES.includes(text)

/** Reads `admin`, `any(admin, all(allow, deny))`; null if it is anything else. */
export function parsePolicy(text: string): Policy | null {
  let rest = text.trim()
  const take = (token: string): boolean => {
    if (!rest.startsWith(token)) return false
    rest = rest.slice(token.length).trimStart()
    return true
  }
  function policy(depth: number): Policy | null {
    const word = /^[a-z_]+/.exec(rest)?.[0] ?? ''
    take(word)
    if (isRule(word)) return { rule: word }
    if ((word !== 'all' && word !== 'any') || depth === DEEPEST || !take('(')) return null
    const parts: Policy[] = []
    do {
      const part = policy(depth + 1)
      if (part === null) return null
      parts.push(part)
    } while (take(','))
    return take(')') ? { of: word, parts } : null
  }
  const found = policy(0)
  return rest === '' ? found : null
}

/** Whether a condition lets someone with this role. Admin rules accept super admins too. */
export function lets(policy: Policy, role: Role): boolean {
  if ('of' in policy) {
    return policy.of === 'all'
      ? policy.parts.every((part) => lets(part, role))
      : policy.parts.some((part) => lets(part, role))
  }
  switch (policy.rule) {
    case 'allow':
      return true
    case 'admin':
      return role !== 'member'
    case 'super_admin':
      return role === 'super_admin'
    case 'deny':
      return false
  }
}

/** A condition in words: `any of: admins; (all of: everyone; nobody)`. */
export function policyWords(text: string): string {
  const policy = parsePolicy(text)
  return policy === null ? text : inWords(policy, false)
}

function inWords(policy: Policy, nested: boolean): string {
  const { tree } = words.permissions
  if (!('of' in policy)) return tree.words[policy.rule]
  const text = tree[policy.of](policy.parts.map((part) => inWords(part, true)))
  return nested ? tree.nested(text) : text
}
