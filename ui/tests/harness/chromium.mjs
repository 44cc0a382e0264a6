import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium } from 'playwright-core'
import { createServer } from 'vite'

/** Serves the harness and opens it in Chromium; both are closed again whatever happens. */
export async function inChromium(use) {
  const server = await createServer({ configFile: new URL('./vite.config.ts', import.meta.url).pathname })
  await server.listen()
  const profile = mkdtempSync(join(tmpdir(), 'conclave-look-'))
  let context
  try {
    context = await chromium.launchPersistentContext(profile, {
      executablePath: '/usr/bin/chromium',
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    })
    const page = await context.newPage()
    const errors = []
    page.on('pageerror', (error) => errors.push(error.message))
    await use(page, server.resolvedUrls.local[0], errors, server)
  } finally {
    await context?.close()
    await server.close()
    rmSync(profile, { recursive: true, force: true })
  }
}
