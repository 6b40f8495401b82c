// One Postfix connection: its questions are asked one at a time, answered in order, and nothing of it waits for ever.

import type { Socket } from "node:net";
import type { Ip } from "../core/ip.ts";
import { printAnswer, type RequestFault } from "./protocol.ts";
import type { Request } from "./request.ts";
import { RequestStream } from "./request-stream.ts";
import type { Verdict } from "./verdict.ts";

/** What the policy engine sees of a connection, with a place for what it knows about it (an open message). */
export interface PolicyConnection<State = unknown> {
  /** Unique while the process lives. */
  readonly id: number;
  /** The Postfix host; undefined on a Unix socket. */
  readonly peer: Ip | undefined;
  current: State | undefined;
}

/** slow: no whole request in time. cut: the client ended inside a request. memory: all unfinished requests together are too large. */
export type ProtocolFault = RequestFault | "slow" | "cut" | "memory";

/** What a connection needs of its server. */
export interface ConnectionHost<State> {
  readonly decide: (request: Request, connection: PolicyConnection<State>) => Promise<Verdict | undefined>;
  readonly answerOk: boolean;
  readonly pace: Pace;
  /** True once the server is stopping: a connection that has no question any more ends. */
  readonly stopping: boolean;
  asked(request: Request): void;
  /** Waiting bytes grew (or shrank) by `bytes`; false when they are too many. */
  holds(bytes: number): boolean;
  undecided(connection: PolicyConnection<State>, why: string): void;
  broken(connection: PolicyConnection<State>, fault: ProtocolFault): void;
  closed(connection: Connection<State>): void;
}

/** Time in ticks of the server's one timer, so that a question costs no timer and no look at a clock. */
export interface Pace {
  readonly tick: number;
  /** Ticks without a question. */
  readonly idleTicks: number;
  /** Ticks inside a request, for its decision, and for a client to take its answers. */
  readonly requestTicks: number;
}

/**
 * idle: between requests. reading: inside one. deciding: decide runs. sending: answers wait for the client to read.
 * ending: the last answers are leaving. closed: nothing is seen or sent any more.
 */
type Phase = "idle" | "reading" | "deciding" | "sending" | "ending" | "closed";

export class Connection<State> implements PolicyConnection<State> {
  readonly id: number;
  readonly peer: Ip | undefined;
  current: State | undefined;
  readonly #host: ConnectionHost<State>;
  readonly #socket: Socket;
  readonly #stream: RequestStream;
  #phase: Phase = "idle";
  #dueTick: number;
  #heldBytes = 0;
  #clientEnded = false;
  #asked = false;

  constructor(id: number, peer: Ip | undefined, socket: Socket, host: ConnectionHost<State>) {
    this.id = id;
    this.peer = peer;
    this.#socket = socket;
    this.#host = host;
    this.#stream = new RequestStream(peer);
    this.#dueTick = host.pace.tick + host.pace.idleTicks;
    socket.on("data", (chunk: Buffer) => this.#see(chunk));
    socket.on("drain", () => this.#drained());
    socket.on("end", () => this.#ended());
    // A reset is followed by `close`; there is nothing to mend.
    socket.on("error", () => {});
    socket.on("close", () => this.#gone());
  }

  /** Ends the connection when what it waits for is overdue at `tick`. */
  expire(tick: number): void {
    if (tick < this.#dueTick) return;
    if (this.#phase === "idle") this.#finish();
    else if (this.#phase === "deciding") this.#undecided("no verdict in time");
    else if (this.#phase === "ending") this.destroy();
    else if (this.#phase !== "closed") this.#break("slow");
  }

  /** True while nothing has been asked here. Postfix asks as soon as it is connected: a question is on its way. */
  get isFresh(): boolean {
    return !this.#asked && this.#phase === "idle";
  }

  /** Ends it after the questions that have arrived; at once when there are none. */
  stop(): void {
    if (this.#phase === "idle") this.#finish();
  }

  /** Ends it now, whatever runs. */
  destroy(): void {
    this.#phase = "closed";
    this.#socket.destroy();
  }

  #see(chunk: Buffer): void {
    if (this.#phase === "ending" || this.#phase === "closed") return;
    this.#stream.push(chunk);
    if (this.#phase === "idle" || this.#phase === "reading") {
      this.#advance();
    } else {
      // Postfix never asks before it has the answer. For a client that does, one more chunk waits here, the rest in the kernel.
      this.#socket.pause();
      this.#hold();
    }
  }

  /** Asks the next question that has arrived whole. */
  #advance(): void {
    const next = this.#stream.next();
    if (typeof next === "string") this.#break(next);
    else if (!this.#hold()) return;
    else if (next === undefined) this.#wait();
    else this.#ask(next);
  }

  #wait(): void {
    const unfinished = this.#stream.unfinished;
    if (this.#clientEnded && unfinished) this.#break("cut");
    else if (this.#clientEnded || (this.#host.stopping && !unfinished)) this.#finish();
    else {
      // The end of a request is set once: one byte a second must not put it off.
      if (!unfinished) this.#enter("idle");
      else if (this.#phase !== "reading") this.#enter("reading");
      if (this.#socket.isPaused()) this.#socket.resume();
    }
  }

  #enter(phase: Exclude<Phase, "closed">): void {
    const { tick, idleTicks, requestTicks } = this.#host.pace;
    this.#phase = phase;
    this.#dueTick = tick + (phase === "idle" ? idleTicks : requestTicks);
  }

  #ask(request: Request): void {
    this.#enter("deciding");
    this.#asked = true;
    this.#host.asked(request);
    try {
      this.#host.decide(request, this).then(
        (verdict) => this.#answer(verdict),
        (error: unknown) => this.#undecided(reasonOf(error)),
      );
    } catch (error) {
      this.#undecided(reasonOf(error));
    }
  }

  #answer(verdict: Verdict | undefined): void {
    if (this.#phase === "closed") return;
    if (verdict === undefined) this.#undecided("no verdict");
    else if (this.#socket.write(printAnswer(verdict, this.#host), "latin1")) this.#goOn();
    // The client asks and does not read: no further question until it does, so that answers do not pile up.
    else this.#enter("sending");
  }

  #goOn(): void {
    this.#phase = "idle";
    this.#advance();
  }

  #drained(): void {
    if (this.#phase === "sending") this.#goOn();
  }

  /** The client sends no more; what it asked before is still answered. */
  #ended(): void {
    this.#clientEnded = true;
    if (this.#phase === "idle" || this.#phase === "reading") this.#advance();
  }

  #undecided(why: string): void {
    if (this.#phase === "closed") return;
    this.destroy();
    this.#host.undecided(this, why);
  }

  #break(fault: ProtocolFault): void {
    this.destroy();
    this.#host.broken(this, fault);
  }

  /** Closes once all answers have left. */
  #finish(): void {
    this.#enter("ending");
    this.#socket.destroySoon();
  }

  #gone(): void {
    const cut = this.#phase === "reading";
    this.#phase = "closed";
    this.#host.holds(-this.#heldBytes);
    this.#heldBytes = 0;
    if (cut) this.#host.broken(this, "cut");
    this.#host.closed(this);
  }

  /** Tells the server how many bytes wait here; false when that ended the connection. */
  #hold(): boolean {
    const bytes = this.#stream.sizeBytes;
    const fits = bytes === this.#heldBytes || this.#host.holds(bytes - this.#heldBytes);
    this.#heldBytes = bytes;
    if (!fits) this.#break("memory");
    return fits;
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}
