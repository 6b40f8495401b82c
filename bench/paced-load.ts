// Clients that ask at a given rate, whatever the answers take: what a question waits on a server that is not full.
// node bench/paced-load.ts PORT CONNECTIONS PER_SECOND SECONDS → one JSON object.

import { connect, type Socket } from "node:net";

const accounts = 20_000;
const answerEnd = "\n\n";

export interface PacedFigures {
  readonly answered: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

export interface PacedOptions {
  readonly port: number;
  readonly connections: number;
  readonly perSecond: number;
  readonly seconds: number;
}

/** A question is late from the moment it was due, also when its connection still waits for the one before. */
export async function askPaced({ port, connections, perSecond, seconds }: PacedOptions): Promise<PacedFigures> {
  const clients = await Promise.all(Array.from({ length: connections }, () => open(port)));
  const waits: number[] = [];
  const from = performance.now();
  const gapMs = (connections * 1_000) / perSecond;
  const run = async (socket: Socket, n: number) => {
    for (let i = 0; i * gapMs < seconds * 1_000; i++) {
      const due = from + (i + n / connections) * gapMs;
      const left = due - performance.now();
      if (left > 0) await new Promise((resolve) => setTimeout(resolve, left));
      await ask(socket, question(`${n}.${i}`));
      waits.push(performance.now() - Math.max(due, from));
    }
  };
  await Promise.all(clients.map(run));
  for (const socket of clients) socket.destroy();
  waits.sort((a, b) => a - b);
  const at = (share: number) => Number((waits[Math.floor(waits.length * share)] ?? 0).toFixed(2));
  return { answered: waits.length, p50Ms: at(0.5), p99Ms: at(0.99), maxMs: Number((waits.at(-1) ?? 0).toFixed(2)) };
}

function open(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: "127.0.0.1", noDelay: true }, () => resolve(socket));
    socket.on("error", reject);
  });
}

function ask(socket: Socket, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    let answer = "";
    const closed = () => reject(new Error("the server closed the connection"));
    const see = (bytes: Buffer) => {
      answer += bytes.toString("latin1");
      if (!answer.endsWith(answerEnd)) return;
      socket.off("data", see).off("close", closed);
      resolve();
    };
    socket.on("data", see).on("close", closed);
    socket.write(text, "latin1");
  });
}

/** A recipient of a message of its own, the account drawn at random. */
function question(instance: string): string {
  const login = `u${Math.floor(Math.random() * accounts)}@example.net`;
  return `request=smtpd_access_policy\nprotocol_state=RCPT\nprotocol_name=ESMTP\nclient_address=203.0.113.9\nclient_name=unknown\nsender=${login}\nrecipient=r@dest.example.org\ninstance=${instance}\nsasl_username=${login}\nsize=0\n\n`;
}

if (import.meta.main) {
  const [port = 0, connections = 100, perSecond = 1_000, seconds = 5] = process.argv.slice(2).map(Number);
  console.log(JSON.stringify(await askPaced({ port, connections, perSecond, seconds })));
}
