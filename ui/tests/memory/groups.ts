import type { Args, Command, Result } from '../../src/lib/backend/backend'
import type { Conversation, Failure, Message, Role } from '../../src/lib/backend/generated'
import { changed, PINNED, preset, ruleOf } from './policies'
import { fail, type Store } from './store'
import { conversation, SELF } from './world'

export type Handlers = { [K in Command]: (args: Args<K>) => Result<K> | Promise<Result<K>> }
type Groups = Pick<
  Handlers,
  | 'group_create'
  | 'group_update'
  | 'group_rules'
  | 'permissions_set'
  | 'role_change'
  | 'disappearing_set'
  | 'pin_set'
  | 'pin_list'
  | 'group_image'
  | 'group_changes'
  | 'group_leave'
  | 'member_list'
  | 'member_add'
  | 'member_remove'
  | 'operation_cancel'
  | 'readd_request'
>

const PICTURE =
  'iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAIAAAD91JpzAAAAEElEQVR4nGNgqLsCRCwQCgAjOgTl4sLJSwAAAABJRU5ErkJggg=='
const MOST_PINS = 20
/** The version that the backend in memory stands for. */
const OURS = '1.10.0'

function isNewer(a: string, b: string): boolean {
  return a.localeCompare(b, 'en', { numeric: true }) > 0
}

/** How adding and removing goes on: so many at once, and what each step waits for. */
export type Pace = { batch: number; stepMs: number; gate: Promise<unknown> | null }

/** Everything a group can be asked for. */
export function groups(store: Store, pace: Pace): Groups {
  const cancelled = new Set<string>()

  /** Goes through people batch by batch, with progress; says who was not reached when it was cancelled. */
  async function inBatches(
    operation: string,
    operationId: string | null,
    conversationId: string | null,
    who: string[],
    step: (batch: string[]) => void,
  ): Promise<Failure[]> {
    for (let done = 0; done < who.length; done += pace.batch) {
      if (operationId !== null && cancelled.has(operationId)) {
        return who.slice(done).map((one) => ({
          who: one,
          code: 'cancelled',
          message: 'You stopped before it was their turn.',
        }))
      }
      step(who.slice(done, done + pace.batch))
      store.emit({
        event: 'progress',
        operation,
        operation_id: operationId,
        conversation_id: conversationId,
        done: Math.min(done + pace.batch, who.length),
        total: who.length,
      })
      await pace.gate
      if (pace.stepMs > 0) await new Promise((next) => setTimeout(next, pace.stepMs))
    }
    return []
  }

  function setField(
    id: string,
    field: string,
    before: string,
    after: string | null,
    key: keyof Conversation,
  ): void {
    if (after === null || after === before) return
    store.require(id, `update_metadata.${field}`)
    store.changeField(id, field, before, after, { [key]: after })
  }

  return {
    group_create: async (args) => {
      const id = store.newId('c')
      const resolved = args.who.map((one) => store.resolve(one).inbox_id)
      const members = [store.newMember(SELF.inboxId, 'super_admin')]
      store.add(
        conversation({ id, name: args.name, description: args.description, created_at_ns: store.now() }),
        [],
        members,
      )
      store.permissions.set(
        id,
        changed(preset(args.preset === 'admins' ? 'admins' : 'everyone'), args.permissions),
      )
      const in_ns = args.disappearing_in_ns
      if (in_ns !== null) store.put(id, { disappearing: { from_ns: store.now(), in_ns } })
      const failed = await inBatches(
        'group_create',
        args.operation_id,
        id,
        resolved.filter((one) => one !== null),
        (batch) => members.push(...batch.map((one) => store.newMember(one, 'member'))),
      )
      store.members.set(id, members)
      return { conversation: store.project(id), failed }
    },

    group_update: ({ conversation_id: id, name, description, image_url, app_data, minimum_version }) => {
      const one = store.get(id)
      if (image_url !== null && image_url !== '' && !image_url.startsWith('https://')) {
        throw fail(
          'image_refused',
          'A picture needs an address that begins with https://. Nothing was changed.',
        )
      }
      if (minimum_version !== null && isNewer(minimum_version, OURS)) {
        throw fail('invalid_version', 'Your own app is older than that. Nothing was changed.')
      }
      setField(id, 'group_name', one.name, name, 'name')
      setField(id, 'description', one.description, description, 'description')
      setField(id, 'group_image_url_square', one.image_url, image_url, 'image_url')
      setField(
        id,
        'minimum_supported_protocol_version',
        one.minimum_version ?? '',
        minimum_version,
        'minimum_version',
      )
      if (app_data !== null) {
        store.require(id, 'update_metadata.app_data')
        store.changeField(id, 'app_data', store.appData.get(id) ?? '', app_data, {})
        store.appData.set(id, app_data)
      }
      return store.get(id)
    },

    group_rules: ({ conversation_id }) => store.rules(conversation_id),

    permissions_set: ({ conversation_id: id, changes }) => {
      store.require(id, 'update_permissions')
      const before = store.permissionsOf(id)
      const fields = changes.map(({ key, option }) => ({
        field: `permissions.${key}`,
        old: ruleOf(before, key),
        new: option,
      }))
      store.permissions.set(id, changed(before, changes))
      store.change(id, SELF.inboxId, { fields })
      return store.rules(id)
    },

    role_change: ({ conversation_id: id, who, change }) => {
      const inboxId = store.resolve(who).inbox_id ?? who
      const member = store.judgedMembers(id).find((one) => one.inbox_id === inboxId)
      if (member === undefined) throw fail('not_a_member', 'This person is not in the group.', false)
      const why = member.denied[change]
      if (why !== undefined) throw fail('denied_by_policy', why, false)
      const roles: Record<typeof change, Role> = {
        add_admin: 'admin',
        remove_admin: 'member',
        add_super_admin: 'super_admin',
        remove_super_admin: 'member',
      }
      const lists = {
        add_admin: 'added_admins',
        remove_admin: 'removed_admins',
        add_super_admin: 'added_super_admins',
        remove_super_admin: 'removed_super_admins',
      } as const
      store.members.set(
        id,
        (store.members.get(id) ?? []).map((one) =>
          one.inbox_id === inboxId ? { ...one, role: roles[change] } : one,
        ),
      )
      store.change(id, SELF.inboxId, { [lists[change]]: [inboxId] })
      return store.rules(id)
    },

    disappearing_set: ({ conversation_id: id, in_ns }) => {
      store.require(id, 'update_metadata.message_disappear_in_ns')
      const before = store.get(id).disappearing?.in_ns ?? null
      const disappearing = in_ns === null ? null : { from_ns: store.now(), in_ns }
      return store.changeField(id, 'message_disappear_in_ns', before, in_ns ?? '0', { disappearing })
    },

    pin_set: ({ conversation_id: id, message_id, pinned }) => {
      store.require(id, `update_metadata.${PINNED}`)
      const before = store.get(id).pinned
      if (pinned && before.length >= MOST_PINS) {
        throw fail('too_many_pins', '20 messages are pinned, which is the most. Unpin one first.', false)
      }
      const rest = before.filter((one) => one !== message_id)
      const after = pinned ? [message_id, ...rest] : rest
      return store.changeField(id, PINNED, before.join(','), after.join(','), { pinned: after })
    },

    pin_list: ({ conversation_id: id }) =>
      store.get(id).pinned.map((message_id) => ({
        message_id,
        message: store.messages.get(id)?.find((one) => one.id === message_id) ?? null,
      })),

    group_image: ({ conversation_id }) => {
      if (store.get(conversation_id).image_url.includes('wrong')) {
        throw fail('image_refused', 'The host sent something that is not a picture. Nothing was kept.')
      }
      return { media_type: 'image/png', base64: PICTURE }
    },

    group_changes: ({ conversation_id, before, limit }) => {
      const all = (store.messages.get(conversation_id) ?? []).filter(
        (one: Message) => one.kind === 'membership_change' || one.content.kind === 'refused_change',
      )
      const end = before === null ? all.length : Number(before)
      const from = Math.max(0, end - limit)
      return {
        items: all.slice(from, end).reverse(),
        older: from === 0 ? null : String(from),
        newer: null,
        first_unread_id: null,
      }
    },

    group_leave: ({ conversation_id: id }) => {
      const rule = store.rules(id).actions.leave
      if (rule?.allowed === false) throw fail('cannot_leave', rule.reason ?? '', false)
      return store.put(id, { leaving: true })
    },

    member_list: ({ conversation_id }) => store.judgedMembers(conversation_id),

    member_add: async ({ conversation_id: id, who, operation_id }) => {
      store.require(id, 'add_member')
      const added: string[] = []
      const wanted = who.flatMap((one) => store.resolve(one).inbox_id ?? [])
      const failed = await inBatches('member_add', operation_id, id, wanted, (batch) => {
        added.push(...batch)
        store.members.set(id, [
          ...(store.members.get(id) ?? []),
          ...batch.map((one) => store.newMember(one, 'member')),
        ])
        store.change(id, SELF.inboxId, { added: batch })
      })
      return { added, failed }
    },

    member_remove: async ({ conversation_id: id, who, operation_id }) => {
      store.require(id, 'remove_member')
      const removed: string[] = []
      const failed = await inBatches('member_remove', operation_id, id, who, (batch) => {
        removed.push(...batch)
        store.members.set(
          id,
          (store.members.get(id) ?? []).filter(({ inbox_id }) => !batch.includes(inbox_id)),
        )
        store.change(id, SELF.inboxId, { removed: batch })
      })
      return { removed, failed }
    },

    operation_cancel: ({ operation_id }) => {
      cancelled.add(operation_id)
      return {}
    },

    readd_request: ({ conversation_id: id }) => {
      const { fork } = store.get(id)
      if (fork === null) throw fail('readd_unavailable', 'There is nothing to mend here.', false)
      return store.put(id, { fork: { ...fork, requested_at_ns: store.now() } })
    },
  }
}
