// kill -9 of the whole daemon at random moments under load: no answered charge is lost, none is doubled. One test file an engine calls
// this, so that they run side by side.

import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { PolicyClient } from "../policy-client.ts";
import type { DaemonChild } from "./daemon.ts";

const askers = 16;
const accounts = 4;
/** Small enough to be reached: what is refused must not be charged, after a crash either. */
const smallLimit = 150;

/** What `killUnderLoad` counts by. */
export const killRules = `
[[policies]]
name = "p"
members = [{}]
[[policies.quotas]]
name = "all"
track = "SASLUsername"
limits = [{ count = "recipients", max = 1000000, per = "1d" }, { count = "messages", max = 1000000, per = "1d" }, { count = "kilobytes", max = 100000000, per = "1d" }]
[[policies.quotas]]
name = "small"
track = "Sender:user@domain"
limits = [{ count = "recipients", max = ${smallLimit}, per = "1d" }]
`;

/** What the clients saw: messages whose END-OF-MESSAGE was answered DUNNO. */
class Tally {
  readonly messages = new Map<string, number>();
  readonly recipients = new Map<string, number>();
  small = 0;

  add(account: string, recipients: number, isSmall: boolean): void {
    this.messages.set(account, (this.messages.get(account) ?? 0) + 1);
    this.recipients.set(account, (this.recipients.get(account) ?? 0) + recipients);
    if (isSmall) this.small += recipients;
  }
}

/** One smtpd: asks in lock step, and asks the same question again when its connection breaks, as Postfix does. */
class Smtpd {
  readonly #port: number;
  readonly #n: number;
  readonly #tally: Tally;
  readonly #isOver: () => boolean;
  #client: PolicyClient | undefined;

  constructor(port: number, n: number, tally: Tally, isOver: () => boolean) {
    this.#port = port;
    this.#n = n;
    this.#tally = tally;
    this.#isOver = isOver;
  }

  async work(): Promise<void> {
    for (let i = 0; !this.#isOver(); i++) await this.#message(i);
    this.#client?.[Symbol.dispose]();
  }

  async #message(i: number): Promise<void> {
    const account = `u${(this.#n + i) % accounts}@example.net`;
    const isSmall = i % 5 === 0;
    const common = {
      instance: `${this.#n}.${i}`,
      sasl_username: account,
      sender: isSmall ? "small@example.net" : `${this.#n}.${i}@example.net`,
    };
    let accepted = 0;
    for (let r = 0; r <= i % 3; r++) {
      const answer = await this.#ask({ ...common, recipient: `r${r}@example.org` });
      if (answer === "DUNNO") accepted++;
    }
    if (accepted === 0) return;
    const end = {
      protocol_state: "END-OF-MESSAGE",
      queue_id: `Q${i}`,
      recipient_count: accepted,
      size: 3_000,
      recipient: "",
    };
    assert.equal(await this.#ask({ ...common, ...end }), "DUNNO");
    this.#tally.add(account, accepted, isSmall);
  }

  async #ask(attributes: Readonly<Record<string, string | number>>): Promise<string> {
    for (let tries = 0; tries < 2_000; tries++) {
      try {
        this.#client ??= await PolicyClient.connect({ port: this.#port });
        return await this.#client.ask(attributes);
      } catch {
        this.#client?.[Symbol.dispose]();
        this.#client = undefined;
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    }
    throw new Error("no answer in 20 s");
  }
}

/** Kills and starts the daemon under load, and looks that its counters are what the clients were answered. */
export async function killUnderLoad(daemon: DaemonChild, kills: number, t: TestContext): Promise<void> {
  const tally = new Tally();
  let over = false;
  const working = Promise.all(
    Array.from({ length: askers }, (_, n) => new Smtpd(daemon.port, n, tally, () => over).work()),
  );
  // The first of the two that fails ends the other.
  const slowest = await Promise.race([
    killOften(daemon, kills, () => tally.small < smallLimit),
    working.then(() => 0),
  ]).finally(() => {
    over = true;
  });
  await working;
  const total = [...tally.messages.values()].reduce((sum, count) => sum + count, 0);
  t.diagnostic(`${total} messages, slowest start ${Math.round(slowest)} ms`);
  assert.ok(total > kills, "there was load");
  for (let n = 0; n < accounts; n++) {
    const account = `u${n}@example.net`;
    assert.equal(await used(daemon, `SASLUsername:${account}`, "messages"), tally.messages.get(account));
    assert.equal(await used(daemon, `SASLUsername:${account}`, "recipients"), tally.recipients.get(account));
    assert.equal(await used(daemon, `SASLUsername:${account}`, "kilobytes"), 3 * (tally.messages.get(account) ?? 0));
  }
  assert.equal(await used(daemon, "Sender:small@example.net", "recipients"), tally.small);
  assert.equal(tally.small, smallLimit, "the small quota was used up to the last");
}

/** Kills and starts again, then waits until the small quota is used up; the slowest start in ms. */
async function killOften(daemon: DaemonChild, kills: number, isLeft: () => boolean): Promise<number> {
  let slowest = 0;
  for (let i = 0; i < kills; i++) {
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 400));
    await daemon.kill();
    slowest = Math.max(slowest, await daemon.run());
  }
  for (let tries = 0; tries < 200 && isLeft(); tries++) await new Promise((r) => setTimeout(r, 50));
  return slowest;
}

async function used(daemon: DaemonChild, key: string, count: string): Promise<number> {
  const quota = key.startsWith("Sender:") ? "small" : "all";
  const { stdout, stderr } = await daemon.command("quota", "show", `${quota}/${key}`, "--json");
  const counters: unknown = JSON.parse(stdout === "" ? stderr : stdout);
  assert.ok(Array.isArray(counters), stdout);
  return counters.find((counter) => counter.count === count)?.used;
}
