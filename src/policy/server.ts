// Postfix's door: accepts its connections, asks `decide` for each request, keeps order, time limits and counts.
// It knows sockets and the protocol; what the answer is, it does not know.

import { readFileSync } from "node:fs";
import type { Server, Socket } from "node:net";
import { contains, type Ip, isLoopback, type Network, parseIp, printIp } from "../core/ip.ts";
import type { Log } from "../core/log.ts";
import { Connection, type ConnectionHost, type Pace, type PolicyConnection, type ProtocolFault } from "./connection.ts";
import { activatedDescriptors, type ListenAddress, openDescriptor, openListener } from "./listener.ts";
import { RareLog } from "./rare-log.ts";
import type { Request } from "./request.ts";
import type { Verdict } from "./verdict.ts";

export interface PolicyServerOptions<State> {
  readonly listen: readonly ListenAddress[];
  /** Peers beyond loopback that may ask. */
  readonly allow: readonly Network[];
  /** undefined or an error: nothing is sent and the connection is closed, so that Postfix asks again. */
  readonly decide: (request: Request, connection: PolicyConnection<State>) => Promise<Verdict | undefined>;
  readonly answerOk: boolean;
  readonly log: Log;
  /** Between requests. Longer than Postfix's smtpd_policy_service_max_ttl (1000 s): a close would cost it a try and 1 s. */
  readonly idleTimeoutMs?: number;
  /** Inside a request, and for its decision. */
  readonly requestTimeoutMs?: number;
  readonly connectionsMax?: number;
  /** Called once for each accepted connection, also while its question is still being decided. */
  readonly onClose?: (connection: PolicyConnection<State>) => void;
  /** Listening sockets to use in place of `listen`. Default: those that systemd passed to this process. */
  readonly descriptors?: readonly number[];
}

export interface PolicyServerStats {
  readonly open: number;
  readonly accepted: number;
  /** limit: over connectionsMax. peer: not in `allow`. accept: the system could not accept. */
  readonly refused: { readonly limit: number; readonly peer: number; readonly accept: number };
  /** By protocol_state; states Postfix does not have count as OTHER. */
  readonly requests: ReadonlyMap<string, number>;
  readonly undecided: number;
  readonly protocolErrors: ReadonlyMap<ProtocolFault, number>;
}

const states = ["CONNECT", "EHLO", "HELO", "MAIL", "RCPT", "DATA", "END-OF-MESSAGE", "VRFY", "ETRN", "OTHER"] as const;
/** All unfinished and waiting requests together: a thousand of full size. Postfix's are shorter than 2 kB. */
const heldBytesMax = 64 * 1_024 * 1_024;
/** How long running questions may go on when we stop; systemd kills after 90 s, Postfix waits 100 s. */
const stopTimeoutMs = 5_000;
/**
 * How long a connection that has asked nothing yet may still ask then. Closed on it, Postfix would have used one of its two tries, perhaps
 * the second; one that is closed between two questions costs the first try of the next, and the second reaches the next process.
 */
const freshMs = 100;
const tickMsMax = 1_000;
const logPeriodMs = 60_000;
/** Descriptors kept for the store, logs, workers and the API, so that a flood of connections does not take them. */
const descriptorsKept = 64;

/** `start()` listens, `stats()` counts, disposing it stops: no new connections, running questions are answered, then all close. */
export class PolicyServer<State = unknown> implements AsyncDisposable {
  readonly #options: PolicyServerOptions<State>;
  readonly #rareLog: RareLog;
  readonly #connections = new Set<Connection<State>>();
  readonly #connectionsMax: number;
  readonly #tickMs: number;
  readonly #pace: { tick: number; idleTicks: number; requestTicks: number };
  readonly #host: ConnectionHost<State>;
  readonly #requests = new Map<string, number>(states.map((state) => [state, 0]));
  readonly #protocolErrors = new Map<ProtocolFault, number>();
  readonly #refused = { limit: 0, peer: 0, accept: 0 };
  #listeners: readonly Server[] = [];
  #timer: NodeJS.Timeout | undefined;
  #stopping = false;
  #allClosed: (() => void) | undefined;
  #accepted = 0;
  #undecided = 0;
  #heldBytes = 0;

  constructor(options: PolicyServerOptions<State>) {
    const idleMs = options.idleTimeoutMs ?? 1_015_000;
    const requestMs = options.requestTimeoutMs ?? 30_000;
    this.#options = options;
    this.#rareLog = new RareLog(options.log);
    this.#connectionsMax = Math.min(
      options.connectionsMax ?? 10_000,
      Math.max(descriptorsKept, descriptorLimit() - descriptorsKept),
    );
    this.#tickMs = Math.max(10, Math.min(tickMsMax, Math.ceil(Math.min(idleMs, requestMs) / 4)));
    // One more: the tick that is running is not a whole one.
    const ticks = (ms: number) => Math.ceil(ms / this.#tickMs) + 1;
    this.#pace = { tick: 0, idleTicks: ticks(idleMs), requestTicks: ticks(requestMs) };
    this.#host = this.#createHost();
  }

  /** Listens on every address, or throws the first Problem (listen/address, listen/not-loopback) and listens on none. */
  async start(): Promise<void> {
    const { listen, allow } = this.#options;
    const descriptors = this.#options.descriptors ?? activatedDescriptors(process.env, process.pid);
    const see = (socket: Socket, unix: boolean) => this.#see(socket, unix);
    const opened: Server[] = [];
    try {
      for (const fd of descriptors) opened.push(await openDescriptor(fd, allow, see));
      if (opened.length === 0) for (const address of listen) opened.push(await openListener(address, allow, see));
    } catch (error) {
      for (const server of opened) server.close();
      throw error;
    }
    for (const server of opened) server.on("error", (error) => this.#cannotAccept(error));
    this.#listeners = opened;
    this.#options.log.info("policy.listening", {
      addresses: this.addresses.join(" "),
      connectionsMax: this.#connectionsMax,
    });
    this.#timer = setInterval(() => this.#passTick(), this.#tickMs).unref();
  }

  /** Where it listens: `address:port` or a path, in the order of `listen`. */
  get addresses(): readonly string[] {
    return this.#listeners.map((server) => {
      const address = server.address();
      if (address === null || typeof address === "string") return address ?? "";
      return address.family === "IPv6" ? `[${address.address}]:${address.port}` : `${address.address}:${address.port}`;
    });
  }

  stats(): PolicyServerStats {
    return {
      open: this.#connections.size,
      accepted: this.#accepted,
      refused: { ...this.#refused },
      requests: new Map(this.#requests),
      undecided: this.#undecided,
      protocolErrors: new Map(this.#protocolErrors),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#stopping) return;
    this.#stopping = true;
    for (const server of this.#listeners) server.close();
    // After a turn of the event loop, so that what has arrived is read first.
    const stopFresh = () => setImmediate(() => this.#stopConnections(() => true));
    const timer = setTimeout(stopFresh, freshMs);
    setImmediate(() => this.#stopConnections(({ isFresh }) => !isFresh));
    await this.#whenAllClosed(stopTimeoutMs);
    clearTimeout(timer);
    for (const connection of this.#connections) connection.destroy();
    await this.#whenAllClosed(tickMsMax);
    clearInterval(this.#timer);
    this.#rareLog.nextPeriod();
  }

  #stopConnections(which: (connection: Connection<State>) => boolean): void {
    for (const connection of this.#connections) if (which(connection)) connection.stop();
  }

  #whenAllClosed(timeoutMs: number): Promise<void> {
    if (this.#connections.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, timeoutMs);
      this.#allClosed = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #see(socket: Socket, unix: boolean): void {
    const peer = unix ? undefined : parseIp(socket.remoteAddress ?? "");
    if (!unix && (peer === undefined || !this.#mayAsk(peer))) {
      this.#refused.peer++;
      this.#rareLog.warn("policy.peer-refused", { peer: socket.remoteAddress });
      socket.destroy();
    } else if (this.#stopping || this.#connections.size >= this.#connectionsMax) {
      this.#refused.limit++;
      this.#rareLog.warn("policy.connections-full", { open: this.#connections.size, max: this.#connectionsMax });
      socket.destroy();
    } else {
      this.#connections.add(new Connection(++this.#accepted, peer, socket, this.#host));
    }
  }

  #mayAsk(peer: Ip): boolean {
    return isLoopback(peer) || this.#options.allow.some((network) => contains(network, peer));
  }

  /**
   * Not seen when descriptors run out: libuv then closes what waits with a spare one, without a word and without spinning.
   * Any other failure must not end the process.
   */
  #cannotAccept(error: Error): void {
    this.#refused.accept++;
    this.#rareLog.warn("policy.accept-failed", { error: error.message });
  }

  #passTick(): void {
    const tick = ++this.#pace.tick;
    for (const connection of this.#connections) connection.expire(tick);
    if ((tick * this.#tickMs) % logPeriodMs < this.#tickMs) this.#rareLog.nextPeriod();
  }

  #createHost(): ConnectionHost<State> {
    const pace: Pace = this.#pace;
    const isStopping = () => this.#stopping;
    return {
      decide: this.#options.decide,
      answerOk: this.#options.answerOk,
      pace,
      get stopping() {
        return isStopping();
      },
      asked: (request) => {
        const state = this.#requests.has(request.state) ? request.state : "OTHER";
        this.#requests.set(state, (this.#requests.get(state) ?? 0) + 1);
      },
      holds: (bytes) => {
        this.#heldBytes += bytes;
        return bytes <= 0 || this.#heldBytes <= heldBytesMax;
      },
      undecided: (connection, why) => {
        this.#undecided++;
        this.#rareLog.warn("policy.undecided", { connection: connection.id, why });
      },
      broken: (connection, fault) => {
        this.#protocolErrors.set(fault, (this.#protocolErrors.get(fault) ?? 0) + 1);
        const peer = connection.peer === undefined ? "unix" : printIp(connection.peer);
        this.#rareLog.warn("policy.protocol-error", { connection: connection.id, peer, fault });
      },
      closed: (connection) => {
        this.#connections.delete(connection);
        this.#options.onClose?.(connection);
        if (this.#connections.size === 0) this.#allClosed?.();
      },
    };
  }
}

/** How many descriptors this process may open; without /proc no limit is known, and accept says when it is reached. */
function descriptorLimit(): number {
  try {
    const found = /^Max open files +([0-9]+)/m.exec(readFileSync("/proc/self/limits", "latin1"));
    return found === null ? Number.MAX_SAFE_INTEGER : Number(found[1]);
  } catch {
    return Number.MAX_SAFE_INTEGER;
  }
}
