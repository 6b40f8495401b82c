// The daemon's end of the helper's socket. A helper that is gone is looked for again at the next call; calls meanwhile fail.

import { createConnection, type Socket } from "node:net";
import { type ActionCall, type ActionOutcome, actionOutcome } from "../core/action.ts";
import {
  type Block,
  batchesOf,
  type CutReport,
  type Firewall,
  type FirewallChange,
  type Grain,
} from "../core/firewall.ts";
import { JsonLines } from "../core/json-lines.ts";
import {
  blockOfWire,
  blocksPerCall,
  blockToWire,
  connectionsMax,
  cutCounts,
  hungUp,
  listPage,
  messageBytesMax,
  type PrivilegedCall,
  privilegedAnswer,
  queueIdsMax,
  type WireConnection,
} from "../core/privileged.ts";

/** The longest that a firewall takes for a batch, and a reading back. */
const answerMs = 90_000;
const waitingMax = 1_000;

export class HelperClient implements Disposable {
  readonly #path: string;
  readonly #waiting = new Map<number, PromiseWithResolvers<unknown>>();
  #socket: Socket | undefined;
  #calls = 0;
  #onForeign: (() => void) | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  /** Queue ids of any number; resolves with how many were given to postsuper. */
  hold(queueIds: readonly string[]): Promise<number> {
    return this.#change("hold", queueIds);
  }

  release(queueIds: readonly string[]): Promise<number> {
    return this.#change("release", queueIds);
  }

  remove(queueIds: readonly string[]): Promise<number> {
    return this.#change("delete", queueIds);
  }

  /** Ends the sessions of a login; 1 when there were any. */
  async kick(login: string): Promise<number> {
    return (await this.call({ verb: "kick", login })) === true ? 1 : 0;
  }

  /** Ends TCP connections by their other end; how many there were. */
  async hangUp(connections: readonly WireConnection[]): Promise<number> {
    let count = 0;
    for (let at = 0; at < connections.length; at += connectionsMax)
      count += hungUp.parse(
        await this.call({ verb: "hang-up", connections: connections.slice(at, at + connectionsMax) }),
      );
    return count;
  }

  /** Runs a command that the helper knows by its name. */
  async runAction(call: ActionCall): Promise<ActionOutcome> {
    return actionOutcome.parse(await this.call({ verb: "action", call }));
  }

  onForeignChange(listener: () => void): void {
    this.#onForeign = listener;
  }

  async call(call: PrivilegedCall): Promise<unknown> {
    if (this.#waiting.size >= waitingMax) throw new Error("the helper has too much to do");
    const id = ++this.#calls;
    const waiting = Promise.withResolvers<unknown>();
    this.#waiting.set(id, waiting);
    const timer = setTimeout(() => waiting.reject(new Error("the helper does not answer")), answerMs);
    try {
      this.#connect().write(`${JSON.stringify({ id, ...call })}\n`);
      return await waiting.promise;
    } finally {
      clearTimeout(timer);
      this.#waiting.delete(id);
    }
  }

  [Symbol.dispose](): void {
    this.#socket?.destroy();
  }

  async #change(verb: "hold" | "release" | "delete", queueIds: readonly string[]): Promise<number> {
    for (let at = 0; at < queueIds.length; at += queueIdsMax) {
      await this.call({ verb, queue_ids: queueIds.slice(at, at + queueIdsMax) });
    }
    return queueIds.length;
  }

  #connect(): Socket {
    if (this.#socket !== undefined) return this.#socket;
    const socket = createConnection(this.#path);
    const lines = new JsonLines(messageBytesMax);
    socket.setEncoding("utf8");
    socket.on("data", (piece: string) => {
      try {
        for (const value of lines.see(piece)) this.#hear(value);
      } catch (error) {
        socket.destroy(error instanceof Error ? error : new Error(String(error)));
      }
    });
    let why = "the helper is gone";
    socket.on("error", (error) => {
      why = `the helper: ${error.message}`;
    });
    socket.on("close", () => {
      if (this.#socket === socket) this.#socket = undefined;
      for (const waiting of this.#waiting.values()) waiting.reject(new Error(why));
    });
    this.#socket = socket;
    return socket;
  }

  #hear(value: unknown): void {
    const { id, error, body } = privilegedAnswer.parse(value);
    if (id === 0) return this.#onForeign?.();
    const waiting = this.#waiting.get(id);
    if (error === undefined) waiting?.resolve(body);
    else waiting?.reject(new Error(error));
  }
}

/** A firewall on the helper's side of the socket. */
export class HelperFirewall implements Firewall {
  readonly name: string;
  readonly forgets: boolean;
  readonly grain: Grain;
  readonly #client: HelperClient;

  constructor(client: HelperClient, kind: Pick<Firewall, "name" | "forgets" | "grain">) {
    this.#client = client;
    this.name = kind.name;
    this.forgets = kind.forgets;
    this.grain = kind.grain;
  }

  async open(): Promise<void> {
    await this.#client.call({ verb: "open" });
  }

  async apply(change: FirewallChange, now: number): Promise<readonly Block[]> {
    for (const { adds, renewals, deletes } of batchesOf(change, blocksPerCall)) {
      const blocks = {
        adds: adds.map(blockToWire),
        renewals: renewals.map(blockToWire),
        deletes: deletes.map(blockToWire),
      };
      await this.#client.call({ verb: "apply", ...blocks, now });
    }
    return [];
  }

  async readBack(now: number): Promise<readonly Block[] | undefined> {
    const blocks: Block[] = [];
    for (;;) {
      const page = listPage.parse(await this.#client.call({ verb: "list", from: blocks.length, now }));
      if (!page.readable) return undefined;
      for (const one of page.blocks) blocks.push(blockOfWire(one));
      if (!page.more || page.blocks.length === 0) return blocks;
    }
  }

  async cut(blocks: readonly Block[]): Promise<CutReport> {
    return cutCounts.parse(
      await this.#client.call({ verb: "cut", blocks: blocks.slice(0, blocksPerCall).map(blockToWire) }),
    );
  }

  async flush(): Promise<void> {
    await this.#client.call({ verb: "flush" });
  }

  onForeignChange(listener: () => void): void {
    this.#client.onForeignChange(listener);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#client[Symbol.dispose]();
  }
}
