// A TCP proxy before PostgreSQL that can lose a connection at the worst moment: right before or right after COMMIT reaches the server.

import { connect, createServer, type Server, type Socket } from "node:net";

/** The end of a Bind of the prepared statement `commit`: what the engine sends last. */
const commitMark = Buffer.from("\0commit\0");

export class CuttingProxy implements AsyncDisposable {
  readonly port: number;
  /** before: the next COMMIT never arrives. after: it arrives, and its answer does not. */
  cut: "before" | "after" | undefined;
  cuts = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(server: Server, port: number) {
    this.#server = server;
    this.port = port;
  }

  static async start(serverPort: number): Promise<CuttingProxy> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("no port");
    const proxy = new CuttingProxy(server, address.port);
    server.on("connection", (client) => proxy.#join(client, connect({ port: serverPort, host: "127.0.0.1" })));
    return proxy;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #join(client: Socket, server: Socket): void {
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      this.#sockets.add(from);
      from.setNoDelay(true);
      from.on("error", () => to.destroy());
      from.on("close", () => {
        this.#sockets.delete(from);
        to.destroy();
      });
    }
    server.on("data", (data) => void client.write(data));
    client.on("data", (data) => {
      if (this.cut !== undefined && data.includes(commitMark)) this.#cutNow(client, server, data);
      else server.write(data);
    });
  }

  #cutNow(client: Socket, server: Socket, data: Buffer): void {
    const { cut } = this;
    this.cut = undefined;
    this.cuts++;
    server.removeAllListeners("data");
    client.removeAllListeners("close");
    if (cut === "before") {
      server.destroy();
      client.destroy();
      return;
    }
    // The server has read it when it answers; only then is the client cut off.
    server.once("data", () => {
      server.destroy();
      client.destroy();
    });
    server.write(data);
  }
}
