// The door of browsers, Prometheus and load balancers: `[api] listen`.

import { publicApp } from "./app.ts";
import { HttpListener } from "./http-listener.ts";
import type { ApiParts } from "./parts.ts";

const connectionsMax = 256;

/** `start()` listens, or throws a Problem listen/address; disposing stops. */
export class PublicServer implements AsyncDisposable {
  readonly #listener: HttpListener;
  readonly #listen: PublicAddress;

  constructor(parts: ApiParts, listen: PublicAddress) {
    this.#listener = new HttpListener(publicApp(parts), connectionsMax);
    this.#listen = listen;
  }

  async start(): Promise<void> {
    const listen = this.#listen;
    if ("unixPath" in listen) await this.#listener.listen({ path: listen.unixPath }, listen.unixPath);
    else await this.#listener.listen({ host: listen.host, port: listen.port }, `${listen.host}:${listen.port}`);
  }

  /** `host:port` as it is, also where the system chose the port. */
  get address(): string {
    return this.#listener.address;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#listener[Symbol.asyncDispose]();
  }
}

/** As the configuration has it. */
export type PublicAddress = { readonly host: string; readonly port: number } | { readonly unixPath: string };
