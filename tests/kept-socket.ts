// A listening socket that outlives the daemons that answer on it, as systemd keeps one for a socket unit (systemd.socket(5)): while no
// daemon runs, connections and their questions wait in its queue.

import net from "node:net";

/** What Node binds and does not listen on, so that this process never accepts what the daemons should. */
interface BoundHandle {
  readonly fd: number;
  getsockname(into: { port?: number }): number;
  close(): void;
}

/** Makes the shell's process the daemon, with the variables of sd_listen_fds(3) for one descriptor. */
const activation = 'LISTEN_PID=$$ LISTEN_FDS=1 exec "$@"';

export class KeptSocket implements Disposable {
  readonly port: number;
  readonly #handle: BoundHandle;

  private constructor(handle: BoundHandle) {
    this.#handle = handle;
    const address: { port?: number } = {};
    handle.getsockname(address);
    this.port = address.port ?? 0;
  }

  /** A free port of 127.0.0.1. The first daemon listens on it; from then on it listens whoever lives. */
  static bind(): KeptSocket {
    // What node:cluster uses to hand one socket to many processes.
    const bind: (...words: unknown[]) => BoundHandle = Reflect.get(net, "_createServerHandle");
    return new KeptSocket(bind("127.0.0.1", 0, 4, -1));
  }

  /** To be the child's descriptor 3. */
  get fd(): number {
    return this.#handle.fd;
  }

  /** Put before the daemon's command line. */
  get wrap(): readonly string[] {
    return ["/bin/sh", "-c", activation, "sh"];
  }

  [Symbol.dispose](): void {
    this.#handle.close();
  }
}
