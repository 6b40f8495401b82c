// Clients that seem to come from anywhere: a proxy's first line (PROXY protocol, version 1), and a client for protocols of lines.

import net from "node:net";

/** What a proxy tells of a client with this address. */
export function proxyLine(address: string): string {
  const [family, server] = address.includes(":") ? ["TCP6", "2001:db8::25"] : ["TCP4", "192.0.2.25"];
  return `PROXY ${family} ${address} ${server} 40001 25\r\n`;
}

const replyTimeoutMs = 20_000;
const replyBytesMax = 262_144;

/** One connection to an IMAP, POP3 or SMTP server: lines out, and waiting for a line that matches. */
export class LineClient implements AsyncDisposable {
  readonly #socket: net.Socket;
  #text = "";
  #isClosed = false;
  #wake: (() => void) | undefined;

  private constructor(socket: net.Socket) {
    this.#socket = socket;
    socket.on("data", (chunk) => {
      this.#text += chunk.toString("latin1");
      if (this.#text.length > replyBytesMax) socket.destroy();
      this.#wake?.();
    });
    for (const event of ["close", "error"])
      socket.on(event, () => {
        this.#isClosed = true;
        this.#wake?.();
      });
  }

  /** Connects as `address` and waits for the greeting. */
  static async connect(port: number, address: string): Promise<LineClient> {
    const client = new LineClient(net.connect({ port, host: "127.0.0.1" }));
    client.#socket.write(proxyLine(address));
    await client.until(/^(?:\* OK|\+OK|220)/m);
    return client;
  }

  /** Sends one line, however hostile, as UTF-8; resolves with the text that comes until something matches or the server ends. */
  async say(line: string, until: RegExp): Promise<string> {
    this.#socket.write(`${line}\r\n`);
    return await this.until(until);
  }

  async until(pattern: RegExp): Promise<string> {
    const deadline = Date.now() + replyTimeoutMs;
    while (!pattern.test(this.#text) && !this.#isClosed && Date.now() < deadline) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, replyTimeoutMs);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    const text = this.#text;
    this.#text = "";
    return text;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise((resolve) => this.#socket.once("close", resolve));
    this.#socket.end();
    if (!this.#isClosed) await Promise.race([closed, new Promise((resolve) => setTimeout(resolve, 1_000))]);
    this.#socket.destroy();
  }
}
