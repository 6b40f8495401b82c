// The privileged process: does what is on a short list for whoever may open its socket, and checks every value again. Who may open it
// is said by the rights of the socket's folder: Node does not tell who is at the other end.

import { chmodSync, chownSync, lstatSync, mkdirSync, rmSync, statSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { networkInterfaces } from "node:os";
import { dirname } from "node:path";
import type { ActionCall, RunAction } from "../core/action.ts";
import { keepsAway } from "../core/action-operation.ts";
import type { Block, Firewall } from "../core/firewall.ts";
import { type Network, parseNetwork, printNetwork } from "../core/ip.ts";
import { JsonLines } from "../core/json-lines.ts";
import type { Log } from "../core/log.ts";
import {
  blockOfWire,
  blocksPerCall,
  blockToWire,
  messageBytesMax,
  type PrivilegedCall,
  privilegedCall,
} from "../core/privileged.ts";
import { messageOf, Problem } from "../core/problem.ts";
import { TrustList } from "../core/trust-list.ts";
import type { QueueTools } from "./queue-tools.ts";

export interface HelperOptions {
  readonly socket: string;
  /** Who may open the socket; undefined: only our own user. */
  readonly owner: { readonly uid: number; readonly gid: number } | undefined;
  readonly firewall: Firewall;
  readonly queue: QueueTools;
  /** Runs commands of actions, by the helper's own reading of their files; without it there are none. */
  readonly runAction?: RunAction;
  /** Never banned, whatever the daemon says; loopback and the machine's own addresses besides. */
  readonly trusted: readonly Network[];
  readonly log: Log;
}

const connectionsMax = 8;

/** A daemon that was taken over must not fill the kernel: more additions than this in ten seconds are refused. */
const addsMax = 400_000;
const addsWindowMs = 10_000;

export class HelperServer implements AsyncDisposable {
  readonly #options: HelperOptions;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #work: Promise<unknown> = Promise.resolve();
  #listed: readonly Block[] | undefined = [];
  #adds = { from: 0, count: 0 };

  constructor(options: HelperOptions) {
    this.#options = options;
    this.#server = createServer((socket) => this.#serve(socket));
    this.#server.maxConnections = connectionsMax;
    options.firewall.onForeignChange(() => {
      for (const socket of this.#sockets) this.#send(socket, { id: 0 });
    });
  }

  async start(): Promise<void> {
    const { socket, owner } = this.#options;
    makeFolder(dirname(socket), owner);
    if (lstatSync(socket, { throwIfNoEntry: false })?.isSocket() === true) rmSync(socket);
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(socket, resolve);
    });
    chmodSync(socket, 0o600);
    if (owner !== undefined) chownSync(socket, owner.uid, owner.gid);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
    await this.#work;
    await this.#options.firewall[Symbol.asyncDispose]();
  }

  #serve(socket: Socket): void {
    const lines = new JsonLines(messageBytesMax);
    this.#sockets.add(socket);
    socket.setEncoding("utf8");
    socket.on("error", () => {});
    socket.on("close", () => this.#sockets.delete(socket));
    socket.on("data", (piece: string) => {
      try {
        for (const value of lines.see(piece)) this.#take(socket, value);
      } catch (error) {
        this.#options.log.warn("helper.refused", { error: String(error) });
        socket.destroy();
      }
    });
  }

  /** One call after the other: the firewall is one thing. */
  #take(socket: Socket, value: unknown): void {
    const { id, ...rest } = value as { id?: unknown };
    if (!Number.isInteger(id)) throw new Error("a call without an id");
    this.#work = this.#work.then(async () => {
      const parsed = privilegedCall.safeParse(rest);
      if (!parsed.success) {
        this.#options.log.warn("helper.refused", { error: "not a call of the list" });
        return this.#send(socket, { id, error: "not a call of the list" });
      }
      try {
        const body = this.#do(parsed.data);
        // Commands may take long; they have a line of their own.
        if (parsed.data.verb === "action") return this.#sendLater(socket, id, body);
        this.#send(socket, { id, body: await body });
      } catch (error) {
        this.#send(socket, { id, error: messageOf(error) });
      }
    });
  }

  #sendLater(socket: Socket, id: unknown, body: Promise<unknown>): void {
    body.then(
      (done) => this.#send(socket, { id, body: done }),
      (error: unknown) => this.#send(socket, { id, error: messageOf(error) }),
    );
  }

  #send(socket: Socket, answer: unknown): void {
    if (!socket.destroyed) socket.write(`${JSON.stringify(answer)}\n`);
  }

  async #do(call: PrivilegedCall): Promise<unknown> {
    const { firewall, queue } = this.#options;
    switch (call.verb) {
      case "open":
        return firewall.open();
      case "apply": {
        const [adds, renewals, deletes] = [call.adds, call.renewals, call.deletes].map((list) => list.map(blockOfWire));
        this.#refuseTrusted([...(adds ?? []), ...(renewals ?? [])]);
        this.#refuseFlood(adds?.length ?? 0);
        return firewall.apply({ adds: adds ?? [], renewals: renewals ?? [], deletes: deletes ?? [] }, call.now);
      }
      case "list":
        return this.#list(call.from, call.now);
      case "cut": {
        const blocks = call.blocks.map(blockOfWire);
        this.#refuseTrusted(blocks);
        return firewall.cut(blocks);
      }
      case "flush":
        return firewall.flush();
      case "hold":
      case "release":
      case "delete":
        return queue.change(call.verb, call.queue_ids);
      case "action":
        return this.#act(call.call);
      case "kick":
        return queue.kick(call.login);
      case "hang-up":
        return queue.hangUp(call.connections);
      default:
        return call satisfies never;
    }
  }

  #act(call: ActionCall): Promise<unknown> {
    const { runAction } = this.#options;
    const address = call.address === null ? undefined : parseNetwork(call.address);
    if (address !== undefined && keepsAway.has(call.operation)) {
      this.#refuseTrusted([{ address, ports: undefined, until: undefined }]);
      this.#refuseFlood(1);
    }
    if (runAction === undefined) throw new Error("the helper runs no actions");
    return runAction(call);
  }

  async #list(from: number, now: number) {
    if (from === 0) this.#listed = await this.#options.firewall.readBack(now);
    const all = this.#listed ?? [];
    const page = all.slice(from, from + blocksPerCall).map(blockToWire);
    return { blocks: page, more: from + blocksPerCall < all.length, readable: this.#listed !== undefined };
  }

  #refuseTrusted(blocks: readonly Block[]): void {
    const own = Object.values(networkInterfaces()).flatMap((list) => (list ?? []).map(({ address }) => address));
    const networks = own.flatMap((text) => parseNetwork(text.replace(/%.*$/, "")) ?? []);
    const list = new TrustList([...networks, ...this.#options.trusted].map((network) => ({ network, why: "helper" })));
    const trusted = blocks.find(({ address }) => list.find(address, 0) !== undefined);
    if (trusted !== undefined) throw new Error(`${printNetwork(trusted.address)} is trusted`);
  }

  #refuseFlood(count: number): void {
    const now = performance.now();
    if (now - this.#adds.from > addsWindowMs) this.#adds = { from: now, count: 0 };
    this.#adds.count += count;
    if (this.#adds.count > addsMax) throw new Error("too many additions at a time");
  }
}

/**
 * Its rights are the lock: nobody else may stand in it, or put a link in its place. One that others use (`/run`) is not taken over:
 * closing it would close them out.
 */
function makeFolder(path: string, owner: HelperOptions["owner"]): void {
  const isNew = mkdirSync(path, { recursive: true, mode: 0o700 }) !== undefined;
  const { uid, mode } = statSync(path);
  const own = [process.getuid?.() ?? uid, owner?.uid ?? uid];
  if (!own.includes(uid) || (!isNew && (mode & 0o077) !== 0)) {
    throw new Problem(`${path} is open to others`, {
      ...{ code: "config/bad-value", where: "helper.socket" },
      hint: "a folder of the helper's own, closed to all but its owner: /run/postvarta/helper/helper.sock",
    });
  }
  if (owner !== undefined) chownSync(path, owner.uid, owner.gid);
}
