//! A line to a node that counts what goes over it.

import { once } from "node:events";
import { connect, createServer } from "node:net";

/** Gives `{ url, read, close }`; `read()` gives the bytes `{ sent, received }` since it was read before. */
export async function meteredLine(address) {
  const [host, port] = address.split(":");
  const open = new Set();
  let count = { sent: 0, received: 0 };
  const server = createServer({ noDelay: true }, (client) => {
    const node = connect({ port: Number(port), host, noDelay: true });
    client.on("data", (data) => (count.sent += data.length)).pipe(node);
    node.on("data", (data) => (count.received += data.length)).pipe(client);
    for (const [socket, other] of [[client, node], [node, client]]) {
      open.add(socket);
      socket.on("error", () => {}); // the close that follows ends both
      socket.on("close", () => {
        open.delete(socket);
        other.destroy();
      });
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    read: () => {
      const read = count;
      count = { sent: 0, received: 0 };
      return read;
    },
    close: () => {
      for (const socket of open) socket.destroy();
      server.close();
    },
  };
}
