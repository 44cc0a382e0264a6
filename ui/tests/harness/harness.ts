import '../../src/styles/fonts.css'
import '../../src/styles/tokens.css'
import '../../src/styles/base.css'
import { mount } from 'svelte'
import App from '../../src/lib/App.svelte'
import { people } from '../memory/world'
import { scene } from './scenes'

declare global {
  interface Window {
    /** The backend, for what drives the page. */
    backend: ReturnType<typeof scene>
    people: typeof people
  }
}

const backend = scene(new URLSearchParams(location.search).get('scene') ?? 'busy')
window.backend = backend
window.people = people
mount(App, { target: document.getElementById('app') ?? document.body, props: { backend } })
