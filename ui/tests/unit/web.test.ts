import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { nothing } from '../../src/lib/backend/backend'
import type { Event } from '../../src/lib/backend/generated'
import { readAddress, WebBackend } from '../../src/lib/backend/web'

class FakeSocket extends EventTarget {
  static all: FakeSocket[] = []
  readonly sent: unknown[] = []
  readonly url: string

  constructor(url: string) {
    super()
    this.url = url
    FakeSocket.all.push(this)
  }

  static get last(): FakeSocket {
    const socket = FakeSocket.all.at(-1)
    if (socket === undefined) throw new Error('no socket was opened')
    return socket
  }

  send(frame: string): void {
    this.sent.push(JSON.parse(frame))
  }

  close(): void {
    this.dispatchEvent(new CloseEvent('close'))
  }

  say(frame: unknown): void {
    this.dispatchEvent(new MessageEvent('message', { data: JSON.stringify(frame) }))
  }

  open(): void {
    this.dispatchEvent(new window.Event('open'))
    this.say({ ready: true })
  }
}

const address = { url: 'ws://127.0.0.1:9', token: 'secret' }

beforeEach(() => {
  vi.useFakeTimers()
  FakeSocket.all = []
  vi.stubGlobal('WebSocket', FakeSocket)
})
afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

describe('the address', () => {
  it('is read from the hash, taken out of it and kept for a reload', () => {
    window.history.replaceState(null, '', '/#url=ws://127.0.0.1:9&token=secret')
    expect(readAddress()).toEqual(address)
    expect(window.location.hash).toBe('')
    expect(readAddress()).toEqual(address)
  })

  it('may be missing', () => {
    expect(readAddress()).toBeNull()
  })
})

describe('the bridge', () => {
  it('shows its token first, then sends what waited', async () => {
    const backend = new WebBackend(address)
    const answer = backend.call('status', nothing)
    const socket = FakeSocket.last
    expect(socket.url).toBe(address.url)
    expect(socket.sent).toEqual([])
    socket.open()
    expect(socket.sent).toEqual([{ token: 'secret' }, { id: 1, command: 'status', args: {} }])
    socket.say({ id: 1, result: { stage: 'empty' } })
    await expect(answer).resolves.toEqual({ stage: 'empty' })
  })

  it('rejects with the error of the other side', async () => {
    const backend = new WebBackend(address)
    FakeSocket.last.open()
    const answer = backend.call('status', nothing)
    const error = { code: 'locked', message: 'The database is locked.', retryable: true }
    FakeSocket.last.say({ id: 1, error })
    await expect(answer).rejects.toEqual(error)
  })

  it('passes events on', () => {
    const heard: Event[] = []
    const stop = new WebBackend(address).subscribe((event) => heard.push(event))
    FakeSocket.last.open()
    FakeSocket.last.say({ event: { event: 'connection', connection: 'online', message: null } })
    stop()
    FakeSocket.last.say({ event: { event: 'resync' } })
    expect(heard).toEqual([{ event: 'connection', connection: 'online', message: null }])
  })

  it('connects again, asks for a resync, and gives up only on what was under way', async () => {
    const heard: string[] = []
    const backend = new WebBackend(address)
    backend.subscribe(({ event }) => heard.push(event))
    FakeSocket.last.open()
    const underWay = backend.call('status', nothing)
    FakeSocket.last.close()
    await expect(underWay).rejects.toMatchObject({ code: 'bridge_lost', retryable: true })
    const waiting = backend.call('sync_all', nothing)
    await vi.advanceTimersByTimeAsync(1_000)
    expect(FakeSocket.all).toHaveLength(2)
    FakeSocket.last.open()
    expect(FakeSocket.last.sent).toEqual([{ token: 'secret' }, { id: 2, command: 'sync_all', args: {} }])
    FakeSocket.last.say({ id: 2, result: { synced: 0 } })
    await expect(waiting).resolves.toEqual({ synced: 0 })
    expect(heard).toEqual(['connection', 'resync'])
  })

  it('waits longer each time nobody answers', async () => {
    new WebBackend(address)
    for (let n = 0; n < 8; n++) {
      FakeSocket.last.close()
      await vi.advanceTimersByTimeAsync(10_000)
    }
    const before = FakeSocket.all.length
    FakeSocket.last.close()
    await vi.advanceTimersByTimeAsync(5_000)
    expect(FakeSocket.all).toHaveLength(before)
  })

  it('refuses further calls when too many wait', async () => {
    const backend = new WebBackend(address)
    for (let n = 0; n < 256; n++) void backend.call('status', nothing)
    await expect(backend.call('status', nothing)).rejects.toMatchObject({ code: 'bridge_lost' })
  })

  it('does not trust what it cannot read', () => {
    new WebBackend(address)
    FakeSocket.last.open()
    FakeSocket.last.dispatchEvent(new MessageEvent('message', { data: 'nonsense' }))
    vi.advanceTimersByTime(1_000)
    expect(FakeSocket.all).toHaveLength(2)
  })
})
