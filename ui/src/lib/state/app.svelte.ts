import { createContext } from 'svelte'
import { SvelteMap } from 'svelte/reactivity'
import type { Backend } from '../backend/backend'
import type { Conversation, Event, Message } from '../backend/generated'
import { summary } from '../format/summary'
import { words } from '../words'
import { AccountState } from './account.svelte'
import { Appearance } from './appearance.svelte'
import { Consents } from './consents.svelte'
import { Attachments } from './attachments.svelte'
import { Conversations } from './conversations.svelte'
import { OwnDevices } from './devices.svelte'
import { Drafts } from './drafts.svelte'
import { EmojiState } from './emoji.svelte'
import { Enclosures } from './enclosures.svelte'
import { Files } from './files.svelte'
import { History } from './history.svelte'
import { Timeline } from './messages.svelte'
import { Navigation } from './navigation.svelte'
import { People } from './people.svelte'
import { Pictures } from './pictures.svelte'
import { Pins } from './pins.svelte'
import { Reads } from './reads.svelte'
import { Rules } from './rules.svelte'

export type Progress = { done: number; total: number }
type Arrival = (messages: Message[]) => void

/** Everything the window shows, kept up to date by events; nothing here asks again and again. */
export class App {
  readonly backend: Backend
  readonly people: People
  readonly account: AccountState
  readonly conversations: Conversations
  readonly consents: Consents
  readonly devices: OwnDevices
  readonly history: History
  readonly pictures: Pictures
  readonly drafts: Drafts
  readonly enclosures: Enclosures
  readonly attachments: Attachments
  readonly emoji = new EmojiState()
  readonly appearance = new Appearance()
  readonly navigation = new Navigation()

  /** The conversation that is open. */
  timeline = $state.raw<Timeline | null>(null)
  /** What it allows, and what is pinned in it. */
  rules = $state.raw<Rules | null>(null)
  pins = $state.raw<Pins | null>(null)
  /** Who has read how far in it. */
  reads = $state.raw<Reads | null>(null)
  /** The files of it. */
  files = $state.raw<Files | null>(null)
  /** What is being done step by step, by the id of the operation. */
  readonly progress = new SvelteMap<string, Progress>()
  /** The last thing said to people who listen instead of look. */
  announcement = $state('')
  /** The present day; it changes at midnight, so that “Today” stays true. */
  today = $state.raw(new Date())
  #arrival: Arrival | null = null

  constructor(backend: Backend) {
    this.backend = backend
    this.people = new People(backend)
    this.account = new AccountState(backend, this.people)
    this.conversations = new Conversations(backend, this.people)
    this.consents = new Consents(backend, this.people)
    this.devices = new OwnDevices(backend)
    this.history = new History(backend, (sentence) => (this.announcement = sentence))
    this.pictures = new Pictures(backend)
    this.drafts = new Drafts(backend)
    this.enclosures = new Enclosures(backend)
    this.attachments = new Attachments(backend)
  }

  /** Begins to listen, then reads what is stored. */
  start(): () => void {
    const stop = this.backend.subscribe((event) => this.#receive(event))
    const stopClock = this.#watchMidnight()
    void this.load()
    return () => {
      stop()
      stopClock()
    }
  }

  #watchMidnight(): () => void {
    let timer: ReturnType<typeof setTimeout>
    const arm = (): void => {
      this.today = new Date()
      const midnight = new Date(this.today).setHours(24, 0, 1, 0)
      timer = setTimeout(arm, midnight - this.today.getTime())
    }
    arm()
    return () => clearTimeout(timer)
  }

  async load(): Promise<void> {
    await this.account.load()
    if (this.account.stage !== 'ready') return
    void this.history.load()
    await this.conversations.load()
  }

  /** What was here is deleted: begins anew. */
  forget(): void {
    this.navigation.reset()
    void this.load()
  }

  /** Makes what is needed of the conversation that is open. */
  show(conversationId: string | null): void {
    if (conversationId === null) {
      this.timeline = null
      this.rules = null
      this.pins = null
      this.reads = null
      this.files = null
    } else if (this.timeline?.conversationId !== conversationId) {
      const timeline = new Timeline(this.backend, conversationId)
      this.timeline = timeline
      this.rules = new Rules(this.backend, conversationId)
      this.pins = new Pins(this.backend, conversationId)
      this.reads = new Reads(this.backend, conversationId)
      this.files = new Files(this.backend, conversationId)
      void this.reads.load()
      void timeline.open()
      void this.people.meet(conversationId)
    }
  }

  /** Calls `arrival` with messages that are new in the open conversation. */
  onArrival(arrival: Arrival): () => void {
    this.#arrival = arrival
    return () => {
      if (this.#arrival === arrival) this.#arrival = null
    }
  }

  #receive(event: Event): void {
    switch (event.event) {
      case 'conversation':
        this.conversations.receive(event.conversation)
        this.#follow(event.conversation)
        // A receipt changes nothing else of the row.
        if (event.conversation.id === this.timeline?.conversationId) void this.reads?.load()
        break
      case 'messages':
        this.#received(event.conversation_id, event.messages)
        break
      case 'message_deleted':
        this.timeline?.remove(event.message_id)
        this.files?.remove(event.message_id)
        this.pins?.changed([event.message_id])
        break
      case 'connection':
        this.account.connected(event.connection, event.message)
        break
      case 'registration':
        this.account.stepped(event.step, event.state)
        break
      case 'progress':
        this.progress.set(event.operation_id ?? event.operation, { done: event.done, total: event.total })
        break
      case 'attachment_progress':
        this.timeline?.progress(event)
        this.files?.progress(event)
        break
      case 'consent':
        this.consents.changed()
        break
      case 'conversation_deleted':
        this.conversations.remove(event.conversation_id)
        break
      case 'history':
        this.history.receive(event.overview)
        break
      case 'inbox_changed':
        void this.devices.changed()
        break
      case 'revoked':
        this.account.revoked = true
        break
      case 'resync':
        void this.load()
        void this.devices.changed()
        void this.timeline?.resync()
        void this.files?.resync()
    }
  }

  /** What is open stays open when another id stands for it from now on. */
  #follow(conversation: Conversation): void {
    const { id, duplicate_ids: others } = conversation
    const before = this.navigation.conversationId
    if (before === null || !others.includes(before)) return
    this.drafts.move(before, conversation)
    this.enclosures.move(before, id)
    this.navigation.conversationId = id
  }

  #received(origin: string, messages: Message[]): void {
    const timeline = this.timeline
    if (timeline === null || !this.conversations.isOf(origin, timeline.conversationId)) return
    const { conversationId } = timeline
    if (messages.some(({ sender_inbox_id }) => !this.people.knows(sender_inbox_id))) {
      this.people.forget(conversationId)
      void this.people.meet(conversationId)
    }
    this.pins?.changed(messages.map(({ id }) => id))
    this.files?.receive(messages)
    const fresh = timeline.receive(messages).filter(({ is_own }) => !is_own)
    // What a stranger writes is not read out before it is asked for.
    if (fresh.length === 0 || this.conversations.get(conversationId)?.request === true) return
    this.#arrival?.(fresh)
    const [only] = fresh
    this.announcement =
      fresh.length === 1 && only !== undefined
        ? words.conversation.says(this.people.name(only.sender_inbox_id), summary(only))
        : words.live.many(fresh.length)
  }
}

/** The app that a component belongs to. */
export const [useApp, provideApp] = createContext<App>()
