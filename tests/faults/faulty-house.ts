// A daemon to be harmed: one quota that is never full, a steady load of smtpds, and looks at what it says of itself.

import assert from "node:assert/strict";
import { setTimeout as wait } from "node:timers/promises";
import { accountQuota, usedOf } from "../account-quota.ts";
import { DaemonChild, type DaemonChildOptions } from "../e2e/daemon.ts";
import { Load, Smtpd } from "./smtpd.ts";

/** The whole load is this account's. */
const account = "ann@example.org";
const smtpds = 8;
const lookEveryMs = 50;

const rules = accountQuota(100_000_000);

export class FaultyHouse implements AsyncDisposable {
  readonly daemon: DaemonChild;
  readonly load = new Load();
  readonly #working: Promise<unknown>;

  private constructor(daemon: DaemonChild, pauseMs: number) {
    this.daemon = daemon;
    this.#working = Promise.all(
      Array.from({ length: smtpds }, (_, n) => new Message(daemon.port, this.load, n).work(pauseMs)),
    );
  }

  static async start(options: Partial<DaemonChildOptions> = {}, pauseMs = 5): Promise<FaultyHouse> {
    return new FaultyHouse(await DaemonChild.start({ rules, ...options }), pauseMs);
  }

  /** A gauge or counter without labels, as /metrics has it. */
  async metric(name: string): Promise<number> {
    // A connection of its own: a kept one may be closed by the daemon in the moment it is used again.
    const response = await fetch(`http://127.0.0.1:${this.daemon.apiPort}/metrics`, {
      headers: { connection: "close" },
    });
    const line = new RegExp(`^${name} (\\S+)$`, "m").exec(await response.text());
    return Number(line?.[1]);
  }

  /** Waits until the store takes writes, or takes none; gives the milliseconds that took. */
  async untilWritable(writable: boolean, timeoutMs = 20_000): Promise<number> {
    const from = performance.now();
    while ((await this.metric("postvarta_store_writable")) !== (writable ? 1 : 0)) {
      const message = `the store is ${writable ? "not writable again" : "still writable"} after ${timeoutMs} ms`;
      assert.ok(performance.now() - from < timeoutMs, `${message}\n${this.daemon.log.slice(-2_000)}`);
      await wait(lookEveryMs);
    }
    return performance.now() - from;
  }

  /** Ends the load. */
  async rest(): Promise<void> {
    this.load.isOver = true;
    await this.#working;
  }

  /** What the daemon has counted. */
  used(): Promise<number> {
    return usedOf(this.daemon, account);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.load.isOver = true;
    await this.#working;
    await this.daemon[Symbol.asyncDispose]();
  }
}

/** Messages one after the other, each with one recipient and its END-OF-MESSAGE: what `messages` counts is what stays charged. */
class Message {
  readonly #load: Load;
  readonly #smtpd: Smtpd;
  readonly #n: number;

  constructor(port: number, load: Load, n: number) {
    this.#load = load;
    this.#n = n;
    this.#smtpd = new Smtpd(port, load);
  }

  async work(pauseMs: number): Promise<void> {
    for (let i = 0; !this.#load.isOver; i++) {
      const common = { instance: `${this.#n}.${i}`, sasl_username: account };
      await this.#smtpd.ask({ ...common, recipient: `r${i}@example.org` });
      const end = { protocol_state: "END-OF-MESSAGE", queue_id: `Q${this.#n}x${i}`, recipient_count: 1, recipient: "" };
      await this.#smtpd.ask({ ...common, ...end });
      this.#load.messages++;
      if (pauseMs > 0) await wait(pauseMs);
    }
    this.#smtpd[Symbol.dispose]();
  }
}
