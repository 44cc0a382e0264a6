import './styles/fonts.css'
import './styles/tokens.css'
import './styles/base.css'
import { mount } from 'svelte'
import App from './lib/App.svelte'
import type { Backend } from './lib/backend/backend'
import { connectTauri } from './lib/backend/tauri'
import { readAddress, WebBackend } from './lib/backend/web'
import Stopped from './lib/parts/Stopped.svelte'
import { words } from './lib/words'

/** The desktop shell if there is one around this page, else the bridge whose address the page was given. */
async function connect(): Promise<Backend | null> {
  if ('__TAURI_INTERNALS__' in window) return connectTauri()
  const address = readAddress()
  return address === null ? null : new WebBackend(address)
}

document.documentElement.lang = words.locale.slice(0, 2)
document.documentElement.dir = words.direction

const backend = await connect()
const target = document.getElementById('app') ?? document.body
if (backend === null) {
  mount(Stopped, {
    target,
    props: { error: { code: 'no_bridge', message: words.errors.noBridge, retryable: false } },
  })
} else mount(App, { target, props: { backend } })
