// One HTTP call over a Unix socket. node:http costs 80 ms of a short verb's start, node:net 8; HTTP/1.0 needs no more than
// this: the answer ends where the connection ends, and is never chunked.

import { connect } from "node:net";

export interface HttpAnswer {
  readonly status: number;
  readonly text: string;
}

/** An apply of the largest rules takes some seconds; a daemon that is silent for longer is stuck. */
const answerTimeoutMs = 60_000;
const answerBytesMax = 256 * 1024 * 1024;

/** Throws the socket's error, or one that says what is wrong with the answer. `path` is encoded already. */
export function httpCall(socketPath: string, method: "GET" | "POST", path: string, body?: string): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    const socket = connect(socketPath);
    socket.setTimeout(answerTimeoutMs, () => socket.destroy(new Error("no answer within a minute")));
    socket.on("connect", () => socket.write(renderCall(method, path, body)));
    socket.on("data", (chunk) => {
      bytes += chunk.length;
      if (bytes > answerBytesMax) socket.destroy(new Error("the answer is too long"));
      else chunks.push(chunk);
    });
    socket.on("error", reject);
    socket.on("close", () => {
      const answer = parseAnswer(Buffer.concat(chunks));
      if (answer === undefined) reject(new Error("the connection ended before the answer"));
      else resolve(answer);
    });
  });
}

function renderCall(method: string, path: string, body: string | undefined): string {
  const head = `${method} ${path} HTTP/1.0\r\nHost: localhost\r\nAccept: application/json\r\n`;
  if (body === undefined) return `${head}\r\n`;
  return `${head}Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}

/** Undefined when it is not whole, or no HTTP. */
function parseAnswer(bytes: Buffer): HttpAnswer | undefined {
  const end = bytes.indexOf("\r\n\r\n");
  const head = bytes.toString("latin1", 0, Math.max(0, end));
  const status = /^HTTP\/1\.[01] (\d{3})/.exec(head)?.[1];
  if (status === undefined) return undefined;
  const body = bytes.subarray(end + 4);
  const length = /^content-length: *(\d+)$/im.exec(head)?.[1];
  if (length !== undefined && Number(length) !== body.length) return undefined;
  return { status: Number(status), text: body.toString("utf8") };
}
