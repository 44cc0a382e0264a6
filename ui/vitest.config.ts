import { svelte } from '@sveltejs/vite-plugin-svelte'
import { svelteTesting } from '@testing-library/svelte/vite'
import { defineConfig } from 'vitest/config'
import { emojiData } from './emoji-data.ts'

export default defineConfig({
  plugins: [svelte(), svelteTesting(), emojiData],
  test: {
    environment: 'jsdom',
    include: ['tests/**/*.test.ts'],
    setupFiles: ['tests/setup.ts'],
    restoreMocks: true,
    // Whole windows are drawn without a browser, also on machines that do much else.
    testTimeout: 30_000,
  },
})
