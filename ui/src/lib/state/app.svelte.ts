import { createContext } from 'svelte'
import type { Backend } from '../backend/backend'
import type { Event, Message } from '../backend/generated'
import { words } from '../words'
import { AccountState } from './account.svelte'
import { Appearance } from './appearance.svelte'
import { Conversations } from './conversations.svelte'
import { Drafts } from './drafts.svelte'
import { Timeline } from './messages.svelte'
import { Navigation } from './navigation.svelte'
import { People } from './people.svelte'

export type Progress = { done: number; total: number }
type Arrival = (messages: Message[]) => void

/** Everything the window shows, kept up to date by events; nothing here asks again and again. */
export class App {
  readonly backend: Backend
  readonly people: People
  readonly account: AccountState
  readonly conversations: Conversations
  readonly drafts = new Drafts()
  readonly appearance = new Appearance()
  readonly navigation = new Navigation()

  /** The conversation that is open. */
  timeline = $state.raw<Timeline | null>(null)
  /** What is being done step by step, by operation. */
  progress = $state<Record<string, Progress | undefined>>({})
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
    if (this.account.stage === 'ready') await this.conversations.load()
  }

  /** Makes the timeline of the conversation that is open. */
  show(conversationId: string | null): void {
    if (conversationId === null) this.timeline = null
    else if (this.timeline?.conversationId !== conversationId) {
      const timeline = new Timeline(this.backend, conversationId)
      this.timeline = timeline
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
        break
      case 'messages':
        this.#received(event.conversation_id, event.messages)
        break
      case 'message_deleted':
        if (this.timeline?.conversationId === event.conversation_id) this.timeline.remove(event.message_id)
        break
      case 'connection':
        this.account.connected(event.connection, event.message)
        break
      case 'registration':
        this.account.stepped(event.step, event.state)
        break
      case 'progress':
        this.progress[event.operation] = { done: event.done, total: event.total }
        break
      case 'resync':
        void this.load()
        void this.timeline?.resync()
    }
  }

  #received(conversationId: string, messages: Message[]): void {
    const timeline = this.timeline
    if (timeline?.conversationId !== conversationId) return
    if (messages.some(({ sender_inbox_id }) => !this.people.knows(sender_inbox_id))) {
      this.people.forget(conversationId)
      void this.people.meet(conversationId)
    }
    const fresh = timeline.receive(messages).filter(({ is_own }) => !is_own)
    if (fresh.length === 0) return
    this.#arrival?.(fresh)
    const [only] = fresh
    this.announcement =
      fresh.length === 1 && only !== undefined
        ? words.conversation.says(this.people.name(only.sender_inbox_id), only.text)
        : words.live.many(fresh.length)
  }
}

/** The app that a component belongs to. */
export const [useApp, provideApp] = createContext<App>()
