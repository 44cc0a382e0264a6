//! ui/dist on loopback, under the same content security policy as in the app.

import { once } from "node:events";
import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";

const DIST = fileURLToPath(new URL("../../ui/dist/", import.meta.url));
const TYPES = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".css": "text/css",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".woff2": "font/woff2",
};

/** The app's policy; the bridge's WebSocket stands in for the app's own way to Rust. */
function policy() {
  const config = fileURLToPath(new URL("../../src-tauri/tauri.conf.json", import.meta.url));
  const { csp } = JSON.parse(readFileSync(config, "utf8")).app.security;
  const directives = { ...csp, "connect-src": "'self' ws://127.0.0.1:*" };
  return Object.entries(directives)
    .map(([name, sources]) => `${name} ${sources}`)
    .join("; ");
}

export class Site {
  /** `host` is what browsers call it: pages whose host is a number have no passkeys. */
  static async open({ host = "127.0.0.1" } = {}) {
    const site = new Site();
    const headers = { "content-security-policy": policy() };
    site.server = createServer(async ({ url }, response) => {
      const path = normalize(decodeURIComponent(new URL(url, "http://site").pathname));
      const name = path.endsWith("/") ? `${path}index.html` : path;
      const content = await readFile(join(DIST, name)).catch(() => null);
      // Browsers ask for it by themselves; the app's icon is its window's.
      if (path === "/favicon.ico") response.writeHead(204).end();
      else if (content === null) response.writeHead(404).end();
      else response.writeHead(200, { ...headers, "content-type": TYPES[extname(name)] ?? "application/octet-stream" }).end(content);
    }).listen(0, "127.0.0.1");
    await once(site.server, "listening");
    site.url = `http://${host}:${site.server.address().port}`;
    return site;
  }

  async close() {
    this.server.closeAllConnections();
    await new Promise((closed) => this.server.close(closed));
  }
}
