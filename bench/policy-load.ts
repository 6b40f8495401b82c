// Clients that ask like smtpd does: each with one connection, in lock step, RCPT once or more and then END-OF-MESSAGE.
// node bench/policy-load.ts PORT CONNECTIONS SECONDS → one JSON object. A process of its own, so that it is not the server's time.

import { connect, type Socket } from "node:net";

const accounts = 20_000;
const warmUpMs = 2_000;
/** Three messages in four have one recipient, the others two to five: 62 % of all questions are RCPT. */
const manyRecipients = 0.25;

export interface LoadFigures {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  readonly refused: number;
}

class Client {
  readonly #socket: Socket;
  readonly #n: number;
  readonly #told: (tookMs: number, refused: boolean) => void;
  #message = 0;
  #left = 0;
  #recipients = 1;
  #account = 0;
  #askedAt = 0;

  constructor(port: number, n: number, told: (tookMs: number, refused: boolean) => void) {
    this.#n = n;
    this.#told = told;
    this.#socket = connect({ port, host: "127.0.0.1", noDelay: true });
    this.#socket.on("connect", () => this.#ask()).on("data", (bytes) => this.#see(bytes));
    this.#socket.on("error", (error) => {
      throw error;
    });
  }

  end(): void {
    this.#socket.destroy();
  }

  #see(bytes: Buffer): void {
    if (!bytes.subarray(-2).equals(answerEnd)) throw new Error(`not an answer: ${bytes.toString("latin1")}`);
    this.#told(performance.now() - this.#askedAt, bytes[7] !== 68);
    this.#ask();
  }

  #ask(): void {
    if (this.#left === 0) {
      this.#message++;
      this.#account = Math.floor(Math.random() * accounts);
      this.#recipients = Math.random() < manyRecipients ? 2 + Math.floor(Math.random() * 4) : 1;
      this.#left = this.#recipients + 1;
    }
    this.#left--;
    const text =
      this.#left > 0
        ? this.#question("RCPT", `r${this.#left}@dest.example.org`, 0)
        : this.#question("END-OF-MESSAGE", "", 12_345);
    this.#askedAt = performance.now();
    this.#socket.write(text, "latin1");
  }

  #question(state: string, recipient: string, size: number): string {
    const login = `u${this.#account}@example.net`;
    const ended = size > 0;
    return `request=smtpd_access_policy\nprotocol_state=${state}\nprotocol_name=ESMTP\nclient_address=203.0.113.9\nclient_name=host.dyn.example.net\nclient_port=41234\nreverse_client_name=host.dyn.example.net\nserver_address=192.0.2.25\nserver_port=587\nhelo_name=[203.0.113.9]\nsender=${login}\nrecipient=${recipient}\nrecipient_count=${ended ? this.#recipients : 0}\nqueue_id=${ended ? `4W${this.#message}` : ""}\ninstance=${this.#n}.65f0c0de.${this.#message}.0\nsize=${size}\netrn_domain=\nstress=\nsasl_method=PLAIN\nsasl_username=${login}\nsasl_sender=\nccert_subject=\nccert_issuer=\nccert_fingerprint=\nccert_pubkey_fingerprint=\nencryption_protocol=TLSv1.3\nencryption_cipher=TLS_AES_256_GCM_SHA384\nencryption_keysize=256\npolicy_context=\ncompatibility_level=3.6\nmail_version=3.7.11\n\n`;
  }
}

const answerEnd = Buffer.from("\n\n");

async function measure(port: number, connections: number, seconds: number): Promise<LoadFigures> {
  const waits: number[] = [];
  let measuring = false;
  let refused = 0;
  const told = (tookMs: number, isRefused: boolean) => {
    if (!measuring) return;
    waits.push(tookMs);
    if (isRefused) refused++;
  };
  const clients = Array.from({ length: connections }, (_, n) => new Client(port, n, told));
  await new Promise((resolve) => setTimeout(resolve, warmUpMs));
  measuring = true;
  const from = performance.now();
  await new Promise((resolve) => setTimeout(resolve, seconds * 1_000));
  measuring = false;
  const took = (performance.now() - from) / 1_000;
  for (const client of clients) client.end();
  waits.sort((a, b) => a - b);
  const at = (share: number) => Number((waits[Math.floor(waits.length * share)] ?? 0).toFixed(2));
  const perSecond = Math.round(waits.length / took);
  return { perSecond, p50Ms: at(0.5), p99Ms: at(0.99), maxMs: at(0.999999), refused };
}

if (import.meta.main) {
  const [port = 0, connections = 50, seconds = 5] = process.argv.slice(2).map(Number);
  console.log(JSON.stringify(await measure(port, connections, seconds)));
}
