// An HTTP server in a process of its own that answers at once: what the machine itself needs for an answer at the moment, to compare
// with what is measured beside it. As a program it is that server: `node tests/echo-server.ts`.

import { type ChildProcess, spawn } from "node:child_process";
import { createServer } from "node:http";
import { fileURLToPath } from "node:url";

const answer = '{"status":0,"msg":""}';

/** `await using echo = await EchoServer.start()`. */
export class EchoServer implements AsyncDisposable {
  readonly port: number;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, port: number) {
    this.#child = child;
    this.port = port;
  }

  static async start(): Promise<EchoServer> {
    const child = spawn(process.execPath, [fileURLToPath(import.meta.url)], { stdio: ["ignore", "pipe", "inherit"] });
    const port = await new Promise<number>((resolve, reject) => {
      child.once("error", reject).once("exit", () => reject(new Error("the echo server ended")));
      child.stdout?.once("data", (bytes: Buffer) => resolve(Number(bytes)));
    });
    return new EchoServer(child, port);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = new Promise((resolve) => this.#child.once("exit", resolve));
    this.#child.kill();
    await ended;
  }
}

function serve(): void {
  const server = createServer(async (request, response) => {
    for await (const _ of request);
    response.setHeader("content-type", "application/json").end(answer);
  });
  server.listen(0, "127.0.0.1", () => {
    const address = server.address();
    if (address !== null && typeof address === "object") process.stdout.write(String(address.port));
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) serve();
