import { createSubscriber } from 'svelte/reactivity'

function ticking(everyMs: number): () => number {
  const subscribe = createSubscriber((update) => {
    const timer = setInterval(update, everyMs)
    return () => clearInterval(timer)
  })
  return () => {
    subscribe()
    return Date.now()
  }
}

const everySecond = ticking(1_000)
const everyMinute = ticking(60_000)
const CLOSE_MS = 120_000

/** Milliseconds until a moment. What reads it is drawn again as time passes, and no oftener than needed. */
export function remainingMs(moment: Date): number {
  const at = moment.getTime()
  return at - Date.now() < CLOSE_MS ? at - everySecond() : at - everyMinute()
}
