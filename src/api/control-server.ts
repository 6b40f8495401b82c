// The door of the command line: the whole API on a Unix socket. Who may open the file may do everything (mode 0660).

import { chmod, mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { Problem } from "../core/problem.ts";
import { removeStale } from "../policy/listener.ts";
import { controlApp } from "./app.ts";
import { HttpListener } from "./http-listener.ts";
import type { ApiParts } from "./parts.ts";

/** A person at a terminal, some scripts, the web server of later: far below this. */
const connectionsMax = 128;
const socketMode = 0o660;

/** `start()` takes over a stale socket and listens; disposing stops and removes the socket. */
export class ControlServer implements AsyncDisposable {
  readonly #listener: HttpListener;
  readonly #path: string;

  constructor(parts: ApiParts, path: string) {
    this.#listener = new HttpListener(controlApp(parts), connectionsMax);
    this.#path = path;
  }

  /** Throws a Problem listen/address: another daemon answers there, something else stands there, no right to the directory. */
  async start(): Promise<void> {
    await makeDirectory(dirname(this.#path));
    await removeStale(this.#path);
    // Until chmod the file has the rights that the umask leaves, which for others are no right to write, so to connect.
    await this.#listener.listen({ path: this.#path }, this.#path);
    await chmod(this.#path, socketMode);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#listener[Symbol.asyncDispose]();
  }
}

async function makeDirectory(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true, mode: 0o755 });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Problem(`its directory cannot be made: ${reason}`, {
      code: "listen/address",
      where: path,
      hint: "create it, owned by the user that runs the daemon",
    });
  }
}
