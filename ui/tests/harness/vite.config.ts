import { svelte } from '@sveltejs/vite-plugin-svelte'
import { defineConfig } from 'vite'
import { emojiData } from '../../emoji-data.ts'

/** Serves the app over the backend in memory, to look at it. Never built. */
export default defineConfig({
  root: import.meta.dirname,
  plugins: [svelte({ configFile: '../../svelte.config.js' }), emojiData],
  server: { host: '127.0.0.1', port: 5199, strictPort: false, fs: { allow: ['../..'] } },
  cacheDir: '../../node_modules/.vite-harness',
  clearScreen: false,
})
