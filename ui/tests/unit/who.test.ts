import { describe, expect, it } from 'vitest'
import type { Resolved } from '../../src/lib/backend/generated'
import { judge } from '../../src/lib/people/who'
import { people } from '../memory/world'

const { alix, bo, caro } = people
const resolved = (who: string, inboxId: string | null, problem: string | null = null): [string, Resolved] => [
  who.toLowerCase(),
  { who, inbox_id: inboxId, reachable: problem === null, addresses: [], problem },
]
const standings = (typed: string[], answers: [string, Resolved][], members: string[] = [], failed = false) =>
  judge(typed, new Map(answers), new Set(members), failed).map(({ standing }) => standing)

describe('people that are typed', () => {
  it('are judged as the network answers', () => {
    expect(
      standings(
        [bo.address, caro.address, alix.address, '0x12'],
        [
          resolved(bo.address, bo.inboxId),
          resolved(caro.address, null, 'not_registered'),
          resolved(alix.address, alix.inboxId, 'is_self'),
        ],
      ),
    ).toEqual(['reachable', 'not_registered', 'is_self', 'malformed'])
  })

  it('are there once, whatever they are called', () => {
    expect(
      standings(
        [bo.address, bo.address.toUpperCase().replace('0X', '0x'), bo.inboxId],
        [resolved(bo.address, bo.inboxId), resolved(bo.inboxId, bo.inboxId)],
      ),
    ).toEqual(['reachable', 'duplicate', 'duplicate'])
  })

  it('are not added again to a group they are in', () => {
    expect(standings([bo.address], [resolved(bo.address, bo.inboxId)], [bo.inboxId])).toEqual(['member'])
  })

  it('wait for an answer, and say when there was none', () => {
    expect(standings([bo.address], [])).toEqual(['checking'])
    expect(standings([bo.address], [], [], true)).toEqual(['unchecked'])
  })

  it('need an installation', () => {
    const answer = { who: bo.address, inbox_id: bo.inboxId, reachable: false, addresses: [], problem: null }
    expect(standings([bo.address], [[bo.address, answer]])).toEqual(['no_installation'])
  })
})
