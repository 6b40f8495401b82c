// An HTTP server around an app: limits of size and time against peers that are slow, many or hostile, and a clean end.

import { createServer, type IncomingMessage, Server } from "node:http";
import type { ListenOptions } from "node:net";
import { createAdaptorServer } from "@hono/node-server";
import type { Hono } from "hono";
import { Problem } from "../core/problem.ts";

/** A rules file of 64 MiB comes over a Unix socket in seconds; whoever needs longer than this is not sending. */
const requestTimeoutMs = 30_000;
const headersTimeoutMs = 10_000;
const keepAliveTimeoutMs = 5_000;
const headersBytesMax = 16 * 1024;
const headersMax = 100;
/** How long running calls may go on when we stop. */
const stopTimeoutMs = 3_000;

/** Serves `app` until disposed. */
export class HttpListener implements AsyncDisposable {
  readonly #server: Server;

  constructor(app: Hono, connectionsMax: number) {
    const serverOptions = {
      requestTimeout: requestTimeoutMs,
      headersTimeout: headersTimeoutMs,
      keepAliveTimeout: keepAliveTimeoutMs,
      maxHeaderSize: headersBytesMax,
      connectionsCheckingInterval: 2_000,
    };
    const server = createAdaptorServer({ fetch: app.fetch, overrideGlobalObjects: false, createServer, serverOptions });
    if (!(server instanceof Server)) throw new Error("not an HTTP/1 server");
    server.maxHeadersCount = headersMax;
    server.maxConnections = connectionsMax;
    server.on("checkContinue", (request: IncomingMessage, response) => server.emit("request", request, response));
    this.#server = server;
  }

  /** Listens, or throws a Problem listen/address with `where`. */
  listen(options: ListenOptions, where: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const refuse = (error: NodeJS.ErrnoException) => reject(listenProblem(error, where));
      this.#server.once("error", refuse);
      this.#server.listen(options, () => {
        this.#server.off("error", refuse);
        // Out of descriptors: the connection is lost, the daemon is not.
        this.#server.on("error", () => {});
        resolve();
      });
    });
  }

  /** `host:port`, or the path of the socket; empty before `listen`. */
  get address(): string {
    const address = this.#server.address();
    if (address === null || typeof address === "string") return address ?? "";
    return address.family === "IPv6" ? `[${address.address}]:${address.port}` : `${address.address}:${address.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#server.listening) return;
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeIdleConnections();
    const timer = setTimeout(() => this.#server.closeAllConnections(), stopTimeoutMs);
    await closed;
    clearTimeout(timer);
  }
}

function listenProblem(error: NodeJS.ErrnoException, where: string): Problem {
  const hints = new Map([
    ["EADDRINUSE", "another program listens there: stop it, or choose another address"],
    [
      "EACCES",
      "this user may not listen there: choose a port above 1023, or a directory that exists and that it may write to",
    ],
    ["EADDRNOTAVAIL", "this machine does not have that address: see ip address"],
    ["ENOENT", "create the directory of the socket"],
    ["EINVAL", "the path of a socket has at most 103 bytes"],
  ]);
  const hint = hints.get(error.code ?? "") ?? "choose another address";
  return new Problem(`cannot listen (${error.code ?? error.message})`, { code: "listen/address", where, hint });
}
