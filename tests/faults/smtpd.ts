// One smtpd as the policy server sees it, with Postfix's own patience: a connection that was closed is opened again without a word,
// a try that fails is made once more after a second (smtpd_policy_service_try_limit, _retry_delay), and then the client gets a 451.

import { setTimeout as wait } from "node:timers/promises";
import { PolicyClient } from "../policy-client.ts";

const triesMax = 2;
const retryDelayMs = 1_000;

/** What all smtpds of a load saw together. */
export class Load {
  accepted = 0;
  /** Whole messages of one recipient. */
  messages = 0;
  refused = 0;
  /** Questions without an answer after Postfix's tries. */
  lost = 0;
  /** Questions whose first try failed. */
  retried = 0;
  isOver = false;
  /** Milliseconds of the answered questions that needed one try only. */
  waits: number[] = [];

  /** The wait that `part` of all answers (0.99) stayed within, of those since the last look. */
  takeWait(part: number): number {
    const sorted = this.waits.sort((a, b) => a - b);
    this.waits = [];
    return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0;
  }
}

export class Smtpd implements Disposable {
  readonly #port: number;
  readonly #load: Load;
  readonly #timeoutMs: number;
  #client: PolicyClient | undefined;

  /** `timeoutMs`: of each try, as `timeout=` in the policy call. */
  constructor(port: number, load: Load, timeoutMs = 3_000) {
    this.#port = port;
    this.#load = load;
    this.#timeoutMs = timeoutMs;
  }

  /** The answer, or undefined for a 451 of Postfix's own. */
  async ask(attributes: Readonly<Record<string, string | number>>): Promise<string | undefined> {
    for (let tries = 1; tries <= triesMax; tries++) {
      try {
        return this.#count(await this.#askOnce(attributes, tries === 1));
      } catch {
        this[Symbol.dispose]();
      }
      if (tries === triesMax) break;
      this.#load.retried++;
      await wait(retryDelayMs);
    }
    this.#load.lost++;
    return undefined;
  }

  [Symbol.dispose](): void {
    this.#client?.[Symbol.dispose]();
    this.#client = undefined;
  }

  async #askOnce(attributes: Readonly<Record<string, string | number>>, isFirst: boolean): Promise<string> {
    const from = performance.now();
    if (this.#client?.isClosed === true) throw new Error("the connection was closed between two questions");
    this.#client ??= await PolicyClient.connect({ port: this.#port }, this.#timeoutMs);
    const answer = await this.#client.ask(attributes);
    if (isFirst) this.#load.waits.push(performance.now() - from);
    return answer;
  }

  #count(answer: string): string {
    if (answer === "DUNNO") this.#load.accepted++;
    else this.#load.refused++;
    return answer;
  }
}
