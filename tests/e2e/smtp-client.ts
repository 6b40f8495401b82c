// A small SMTP client for tests: one command, one reply. It can lie (XCLIENT), send hostile lines, and stop half way.
import net from "node:net";

export interface SmtpReply {
  readonly code: number;
  /** The text of all lines without codes, joined by LF. */
  readonly text: string;
}

/** Attributes of Postfix's XCLIENT command (XCLIENT_README); values are sent xtext-encoded. */
export interface XclientAttributes {
  readonly ADDR?: string;
  readonly NAME?: string;
  readonly LOGIN?: string;
  readonly HELO?: string;
  readonly PORT?: string;
}

export interface Mail {
  readonly port: number;
  /** The address that Postfix shall see. */
  readonly ip?: string;
  /** Logs in by AUTH PLAIN. */
  readonly user?: string;
  readonly password?: string;
  readonly sender?: string;
  readonly recipients: readonly string[];
  /** Bytes of the message, headers included, at least 60. */
  readonly sizeBytes?: number;
  /** Declares SIZE= in MAIL FROM. */
  readonly declareSize?: boolean;
}

export interface MailOutcome {
  /** The reply to AUTH; undefined when nobody logged in. */
  readonly auth: SmtpReply | undefined;
  readonly mail: SmtpReply | undefined;
  /** One reply for each recipient that was offered. */
  readonly recipients: readonly SmtpReply[];
  /** The reply to the message itself; undefined when it was never sent. */
  readonly final: SmtpReply | undefined;
}

/** Where a connection goes to, and which of its own addresses the client uses. */
export interface ConnectionEnds {
  readonly host?: string;
  readonly localAddress?: string;
}

const replyTimeoutMs = 30_000;
const replyBytesMax = 262_144;

/** One connection. `command` waits for its reply; a closed connection is a reply of code 0. */
export class SmtpClient implements AsyncDisposable {
  readonly #socket: net.Socket;
  #greeting: SmtpReply = { code: 0, text: "" };
  #text = "";
  #closed = false;
  #wake: (() => void) | undefined;

  private constructor(socket: net.Socket) {
    this.#socket = socket;
    socket.on("data", (chunk) => this.#take(chunk.toString("latin1")));
    socket.on("close", () => this.#end());
    socket.on("error", () => this.#end());
  }

  /**
   * Connects to 127.0.0.1:port (or another host) and reads the greeting; a refused connection has greeting code 0. `proxyLine`:
   * what a proxy sends first.
   */
  static async connect(port: number, proxyLine = "", ends: ConnectionEnds = {}): Promise<SmtpClient> {
    const client = new SmtpClient(net.connect({ port, host: "127.0.0.1", ...ends }));
    client.#socket.write(proxyLine, "latin1");
    client.#greeting = await client.reply();
    return client;
  }

  get greeting(): SmtpReply {
    return this.#greeting;
  }

  /** Sends `line` and CRLF as latin1 bytes; resolves with the reply. */
  command(line: string): Promise<SmtpReply> {
    return this.raw(`${line}\r\n`);
  }

  /** Sends the text as it is, however hostile, and waits for one reply. */
  raw(text: string): Promise<SmtpReply> {
    if (!this.#closed) this.#socket.write(text, "latin1");
    return this.reply();
  }

  ehlo(name = "client.test"): Promise<SmtpReply> {
    return this.command(`EHLO ${name}`);
  }

  /** XCLIENT resets the session: the reply is a greeting (220), and EHLO must follow. */
  xclient(attributes: XclientAttributes): Promise<SmtpReply> {
    const pairs = Object.entries(attributes).map(([name, value]) => `${name}=${xtext(String(value))}`);
    return this.command(`XCLIENT ${pairs.join(" ")}`);
  }

  authPlain(user: string, password: string): Promise<SmtpReply> {
    return this.command(`AUTH PLAIN ${Buffer.from(`\0${user}\0${password}`).toString("base64")}`);
  }

  mail(sender: string, sizeBytes?: number): Promise<SmtpReply> {
    return this.command(`MAIL FROM:<${sender}>${sizeBytes === undefined ? "" : ` SIZE=${sizeBytes}`}`);
  }

  rcpt(recipient: string): Promise<SmtpReply> {
    return this.command(`RCPT TO:<${recipient}>`);
  }

  /** DATA, the dot-stuffed message and the final dot; the reply to DATA itself when that is a refusal. */
  async data(message: string): Promise<SmtpReply> {
    const go = await this.command("DATA");
    if (go.code !== 354) return go;
    return this.raw(
      `${message
        .replace(/\r?\n/g, "\r\n")
        .replace(/^\./gm, "..")
        .replace(/(?<!\r\n)$/, "\r\n")}.\r\n`,
    );
  }

  rset(): Promise<SmtpReply> {
    return this.command("RSET");
  }

  async quit(): Promise<SmtpReply> {
    const reply = await this.command("QUIT");
    this.#socket.destroy();
    return reply;
  }

  /** Drops the connection without QUIT, as a client that dies does. */
  abort(): void {
    this.#socket.resetAndDestroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.destroy();
  }

  /** The next whole reply (RFC 5321 4.2.1: lines `250-` and a last `250 `). */
  async reply(): Promise<SmtpReply> {
    const deadline = Date.now() + replyTimeoutMs;
    for (;;) {
      const match = /^(?:\d{3}-[^\n]*\n)*(\d{3})(?: [^\n]*)?\n/.exec(this.#text);
      if (match !== null) {
        this.#text = this.#text.slice(match[0].length);
        return {
          code: Number(match[1]),
          text: match[0]
            .trimEnd()
            .replace(/^\d{3}[- ]?/gm, "")
            .replaceAll("\r", ""),
        };
      }
      if (this.#closed) return { code: 0, text: "connection closed" };
      if (!(await this.#moreBefore(deadline))) throw new Error(`no SMTP reply within ${replyTimeoutMs} ms`);
    }
  }

  #take(text: string): void {
    this.#text += text;
    if (this.#text.length > replyBytesMax) this.#socket.destroy();
    this.#wake?.();
  }

  #end(): void {
    this.#closed = true;
    this.#wake?.();
  }

  #moreBefore(deadline: number): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(false), Math.max(0, deadline - Date.now()));
      this.#wake = () => {
        clearTimeout(timer);
        resolve(true);
      };
    });
  }
}

/** One connection, one message: XCLIENT, AUTH, MAIL, RCPT…, DATA, QUIT; stops where nothing more can succeed. */
export async function sendMail(mail: Mail): Promise<MailOutcome> {
  await using client = await SmtpClient.connect(mail.port);
  await client.ehlo();
  if (mail.ip !== undefined) {
    await client.xclient({ ADDR: mail.ip, NAME: "[UNAVAILABLE]" });
    await client.ehlo();
  }
  const auth = mail.user === undefined ? undefined : await client.authPlain(mail.user, mail.password ?? "secret");
  if (auth !== undefined && auth.code !== 235) return { auth, mail: undefined, recipients: [], final: undefined };
  const outcome = await sendMessage(client, mail);
  await client.quit();
  return { ...outcome, auth };
}

/** One message on an open connection, which stays open for the next. */
export async function sendMessage(client: SmtpClient, mail: Omit<Mail, "port">): Promise<MailOutcome> {
  const message = messageOf(mail.sizeBytes ?? 500);
  const from = mail.sender ?? mail.user ?? "someone@outside.test";
  const sender = await client.mail(from, mail.declareSize === true ? message.length : undefined);
  const recipients: SmtpReply[] = [];
  if (sender.code === 250) for (const recipient of mail.recipients) recipients.push(await client.rcpt(recipient));
  if (!recipients.some((reply) => reply.code === 250)) {
    await client.rset();
    return { auth: undefined, mail: sender, recipients, final: undefined };
  }
  return { auth: undefined, mail: sender, recipients, final: await client.data(message) };
}

/** A message of exactly `sizeBytes` bytes with CRLF line ends (at least 60). */
function messageOf(sizeBytes: number): string {
  const head = "Subject: a test of the watch\r\nFrom: <a@a.test>\r\n\r\n";
  const line = `${"x".repeat(70)}\r\n`;
  const body = Math.max(0, sizeBytes - head.length - 2);
  const whole = Math.floor(body / line.length);
  return `${head}${line.repeat(whole)}${"y".repeat(body % line.length)}\r\n`;
}

/** xtext of RFC 3461 section 4, as XCLIENT wants it. */
function xtext(value: string): string {
  return value.replace(/[^!-*,-<>-~]/g, (ch) => `+${ch.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`);
}
