// A policy client that behaves as Postfix's smtpd does, and can misbehave: pieces, floods, half-closes, resets.

import { connect, type Socket } from "node:net";

export type PolicyTarget = { readonly port: number; readonly host?: string } | { readonly path: string };

/** Attributes of one question; `undefined` takes one of the base request's away. */
export type Attributes = Readonly<Record<string, string | number | undefined>>;

/** The base request R of the acceptance cases. */
const baseRequest: Attributes = {
  request: "smtpd_access_policy",
  protocol_state: "RCPT",
  protocol_name: "ESMTP",
  client_address: "192.0.2.10",
  client_name: "mx.example.net",
  reverse_client_name: "mx.example.net",
  helo_name: "mx.example.net",
  sender: "a@example.com",
  recipient: "b@example.org",
  instance: "i1",
  sasl_username: "",
  size: 0,
};

/** The bytes of one question, as latin1 text: R with `attributes` over it, in R's order, LF and an empty line. */
export function questionText(attributes: Attributes = {}): string {
  let text = "";
  for (const [name, value] of Object.entries({ ...baseRequest, ...attributes })) {
    if (value !== undefined) text += `${name}=${value}\n`;
  }
  return `${text}\n`;
}

/** One connection. Every wait ends after `timeoutMs` with an error. */
export class PolicyClient implements Disposable {
  readonly socket: Socket;
  readonly #timeoutMs: number;
  #received = "";
  #closed = false;
  readonly #changed = new Set<() => void>();

  private constructor(target: PolicyTarget, timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
    this.socket =
      "path" in target
        ? connect({ path: target.path, allowHalfOpen: true })
        : connect({ port: target.port, host: target.host ?? "127.0.0.1", noDelay: true, allowHalfOpen: true });
    this.socket.setEncoding("latin1");
    this.socket.on("data", (text: string) => {
      this.#received += text;
      this.#tell();
    });
    const ended = () => {
      this.#closed = true;
      this.#tell();
    };
    this.socket.on("end", ended).on("close", ended).on("error", ended);
  }

  static async connect(target: PolicyTarget, timeoutMs = 5_000): Promise<PolicyClient> {
    const client = new PolicyClient(target, timeoutMs);
    await client.#until("connect", () => client.socket.readyState !== "opening" || client.#closed, "connect");
    if (client.socket.readyState !== "open" && client.#received === "" && !client.#closed)
      throw new Error("not connected");
    return client;
  }

  /** True once the server has ended or reset the connection. */
  get isClosed(): boolean {
    return this.#closed;
  }

  /** Bytes received and not yet taken by `answer`. */
  get received(): string {
    return this.#received;
  }

  /** Asks R with `attributes` over it; the action text of the answer. */
  async ask(attributes: Attributes = {}): Promise<string> {
    this.write(questionText(attributes));
    return await this.answer();
  }

  /** Sends latin1 text or bytes as they are. */
  write(bytes: string | Uint8Array): void {
    if (typeof bytes === "string") this.socket.write(bytes, "latin1");
    else this.socket.write(bytes);
  }

  /** Sends bytes in packets of `size` bytes, a turn of the event loop apart. */
  async writePieces(bytes: string, size = 1): Promise<void> {
    for (let at = 0; at < bytes.length; at += size) {
      this.write(bytes.slice(at, at + size));
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** The next answer's action. Throws when the server closes without one, or says anything but `action=…` LF LF. */
  async answer(): Promise<string> {
    await this.#until("an answer", () => this.#received.includes("\n\n") || this.#closed);
    const end = this.#received.indexOf("\n\n");
    if (end < 0) throw new Error(`closed without an answer; received ${JSON.stringify(this.#received)}`);
    const line = this.#received.slice(0, end);
    this.#received = this.#received.slice(end + 2);
    if (!/^action=[!-~]([ -~]*[!-~])?$/.test(line)) throw new Error(`not an answer: ${JSON.stringify(line)}`);
    return line.slice("action=".length);
  }

  /** Waits until the server has closed; gives what came before and was not taken. */
  async closed(): Promise<string> {
    await this.#until("the server to close", () => this.#closed);
    return this.#received;
  }

  /** Ends our side only. */
  end(): void {
    this.socket.end();
  }

  /** RST. */
  reset(): void {
    this.socket.resetAndDestroy();
  }

  [Symbol.dispose](): void {
    this.socket.destroy();
  }

  #tell(): void {
    for (const look of this.#changed) look();
  }

  #until(what: string, isTrue: () => boolean, event?: "connect"): Promise<void> {
    if (isTrue()) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const look = () => {
        if (!isTrue()) return;
        done();
        resolve();
      };
      const timer = setTimeout(() => {
        done();
        reject(new Error(`waited ${this.#timeoutMs} ms for ${what}`));
      }, this.#timeoutMs);
      const done = () => {
        clearTimeout(timer);
        this.#changed.delete(look);
        if (event !== undefined) this.socket.off(event, look);
      };
      this.#changed.add(look);
      if (event !== undefined) this.socket.once(event, look);
    });
  }
}
