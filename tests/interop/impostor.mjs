//! Things at a node's address that are not a node, and a line to a real node that breaks.

import { once } from "node:events";
import { createServer as createWebsite } from "node:http";
import { connect as connectHttp2, createServer as createHttp2 } from "node:http2";
import { connect, createServer } from "node:net";

async function listening(server) {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  return { port, url: `http://127.0.0.1:${port}`, close: () => server.close() };
}

/** A server that speaks first and speaks something else: mail. */
export async function mailServer() {
  return listening(
    createServer((socket) => {
      socket.on("error", () => {});
      socket.write("220 mail.example ESMTP\r\n");
    }),
  );
}

/** An ordinary web server. */
export async function website() {
  return listening(createWebsite((_, response) => response.end("<h1>It works!</h1>")));
}

/** Speaks gRPC, and answers every call with a message that is none. */
export async function liar() {
  const server = createHttp2();
  server.on("stream", (stream) => {
    stream.on("error", () => {});
    stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
    stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
    const message = Buffer.alloc(64, 0xff); // no field has such a tag
    stream.end(Buffer.concat([Buffer.from([0, 0, 0, 0, message.length]), message]));
  });
  return listening(server);
}

/** An address where nobody listens. */
export async function nobody() {
  const place = await listening(createServer());
  place.close();
  return place.url;
}

/**
 * A line to `address` that breaks: `cut()` breaks every connection at once, `allowance` is how many
 * bytes of answers each further connection lets through before it breaks by itself.
 */
export async function frayedLine(address) {
  const [host, port] = address.split(":");
  const open = new Set();
  const line = { allowance: Infinity, breaks: 0 };
  const snap = (pair) => {
    if (!open.delete(pair)) return;
    line.breaks += 1;
    for (const socket of pair) socket.destroy();
  };
  const server = createServer((client) => {
    const node = connect(Number(port), host);
    const pair = [client, node];
    open.add(pair);
    let left = line.allowance;
    client.on("data", (data) => node.write(data));
    node.on("data", (data) => {
      left -= data.length;
      client.write(left < 0 ? data.subarray(0, data.length + left) : data);
      if (left <= 0) snap(pair);
    });
    for (const socket of pair) {
      socket.on("error", () => {});
      socket.on("close", () => {
        open.delete(pair);
        for (const other of pair) other.destroy();
      });
    }
  });
  const place = await listening(server);
  return Object.assign(line, place, {
    cut: () => [...open].forEach(snap),
    close: () => {
      [...open].forEach(snap);
      server.close();
    },
  });
}

/** One unary gRPC call with raw bytes; fails unless the node says OK. */
export async function call(url, path, message) {
  const session = connectHttp2(url);
  try {
    const stream = session.request({ ":method": "POST", ":path": path, "content-type": "application/grpc", te: "trailers" });
    const head = Buffer.alloc(5);
    head.writeUInt32BE(message.length, 1);
    stream.end(Buffer.concat([head, message]));
    let fields = {};
    stream.on("response", (headers) => (fields = { ...fields, ...headers }));
    stream.on("trailers", (trailers) => (fields = { ...fields, ...trailers }));
    stream.resume();
    await once(stream, "close");
    if (fields["grpc-status"] !== "0") throw new Error(`${path}: ${fields["grpc-status"]} ${fields["grpc-message"]}`);
  } finally {
    session.close();
  }
}
