// The outbox at work: chooses channels for what was written, sends what is due, tries again what failed. It has no timer: daemon.ts
// calls `work` every few seconds. What is written survives a restart; a message may come twice after a crash, and never not at all.

import type { Config } from "../config/config.ts";
import type { Clock } from "../core/clock.ts";
import type { Log } from "../core/log.ts";
import type { Notice, NoticeKind } from "../core/notice.ts";
import type { Store } from "../store/db.ts";
import {
  addNotices,
  countSent,
  type Delivery,
  type DueDelivery,
  pruneNotices,
  readUnrouted,
  routeNotice,
  type StoredNotice,
  saveDeliveries,
  takeDue,
  wasTold,
} from "../store/notices.ts";
import type { Channel, ChannelSettings } from "./channel.ts";
import { createChannel } from "./channels/index.ts";
import { messageOf } from "./message.ts";
import { waysOf } from "./routing.ts";
import { sampleFacts } from "./template.ts";
import type { Templates } from "./templates.ts";

export interface OutboxParts {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  readonly settings: Config["notices"];
  /** The operator's words; the built-in ones without. */
  readonly templates?: Templates;
  /** IANA name for quiet hours, digests and the times in texts. */
  readonly timeZone: string;
}

const routedAtOnce = 100;
const sentAtOnce = 100;
/** Longer than any try takes: what is taken and not reported by then is tried again. */
const claimMs = 120_000;
const retryMsMin = 30_000;
const retryMsMax = 3_600_000;
/** About a day. */
const attemptsMax = 31;
const hourMs = 3_600_000;
const dayMs = 86_400_000;

interface Way {
  readonly settings: ChannelSettings;
  readonly channel: Channel;
}

export class Outbox {
  readonly #parts: OutboxParts;
  readonly #ways: ReadonlyMap<string, Way>;
  #templates: Templates;
  #working: Promise<void> | undefined;

  constructor(parts: OutboxParts) {
    this.#parts = parts;
    const { settings, clock, templates = new Map() } = parts;
    this.#templates = templates;
    this.#ways = new Map(
      settings.channels.map((one) => [one.name, { settings: one, channel: createChannel(one, clock) }]),
    );
  }

  /** The operator wrote them anew. */
  useTemplates(templates: Templates): void {
    this.#templates = templates;
  }

  get channels(): readonly ChannelSettings[] {
    return this.#parts.settings.channels;
  }

  /** Routes and sends what is due. One at a time: a second call waits for the first and does nothing else. */
  work(): Promise<void> {
    this.#working ??= this.#run().finally(() => {
      this.#working = undefined;
    });
    return this.#working;
  }

  /** Tells a notice that no transaction causes. */
  tell(notice: Omit<Notice, "at">): Promise<void> {
    return addNotices(this.#parts.store.facts, [{ ...notice, at: this.#parts.clock.now() }]);
  }

  /** As `tell`, for those who cannot wait; a failure is logged. */
  say(notice: Omit<Notice, "at">): void {
    this.tell(notice).catch((error: unknown) => {
      this.#parts.log.error("notices.not-written", { kind: notice.kind, error: String(error) });
    });
  }

  /**
   * Sends a test to one channel at once, or a notice of the kind as it would look; rejects with what the channel said. Undefined when
   * there is no such channel. A test for owners goes to `to`.
   */
  async test(
    name: string,
    { kind = "test", to = "" }: { readonly kind?: NoticeKind | undefined; readonly to?: string | undefined } = {},
  ): Promise<{ readonly ms: number } | undefined> {
    const way = this.#ways.get(name);
    if (way === undefined) return undefined;
    const at = this.#parts.clock.now();
    const subject = way.settings.owner === true || kind !== "test" ? to || name : name;
    const facts = kind === "test" ? {} : sampleFacts(kind);
    const notice: StoredNotice = { id: `test-${at}`, kind, severity: "info", subject, at, facts };
    const begun = performance.now();
    await way.channel.send(this.#message([notice], way.settings));
    return { ms: Math.round(performance.now() - begun) };
  }

  async prune(): Promise<void> {
    const { store, settings, clock } = this.#parts;
    await pruneNotices(store, clock.now() - settings.keep_days * dayMs);
  }

  async #run(): Promise<void> {
    await this.#route();
    const { store, clock } = this.#parts;
    const now = clock.now();
    const due = await takeDue(store, now, now + claimMs, sentAtOnce);
    for (const [name, ofChannel] of Map.groupBy(due, ({ delivery }) => delivery.channel)) {
      await this.#sendAll(name, ofChannel);
    }
  }

  async #route(): Promise<void> {
    const { store, settings, timeZone, clock } = this.#parts;
    for (const notice of await readUnrouted(store, routedAtOnce)) {
      const deliveries: Delivery[] = [];
      for (const { channel, state, dueAt } of waysOf(notice, settings, timeZone, clock.now())) {
        const repeated = await wasTold(store, notice, channel, notice.at - settings.dedupe);
        const base = { notice: notice.id, channel, attempts: 0, error: "" };
        deliveries.push(
          repeated
            ? { ...base, state: "repeated", dueAt, endedAt: clock.now() }
            : { ...base, state, dueAt, endedAt: 0 },
        );
      }
      await routeNotice(store, notice.id, deliveries);
    }
  }

  /** What waits alone goes alone as long as the hour's number allows it; everything else goes together. */
  async #sendAll(name: string, due: readonly DueDelivery[]): Promise<void> {
    const way = this.#ways.get(name);
    if (way === undefined) return this.#report(due, "failed", `no channel is called ${name} any more`);
    const { store, clock } = this.#parts;
    const left = way.settings.max_per_hour - (await countSent(store, name, clock.now() - hourMs));
    // What one owner is told is no other's business.
    const isOwners = way.settings.owner === true;
    const single = due.filter(({ delivery }) => isOwners || delivery.state === "waiting");
    const alone = isOwners ? single : single.slice(0, Math.max(0, left - 1));
    const together = due.filter((one) => !alone.includes(one));
    for (const one of alone) await this.#send(way, [one]);
    if (together.length > 0) await this.#send(way, together);
  }

  async #send(way: Way, due: readonly DueDelivery[]): Promise<void> {
    try {
      await way.channel.send(
        this.#message(
          due.map(({ notice }) => notice),
          way.settings,
        ),
      );
      await this.#report(due, "sent", "");
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.#parts.log.warn("notices.not-sent", { channel: way.settings.name, error: reason });
      await this.#retry(due, reason);
    }
  }

  #message(notices: readonly StoredNotice[], { language, owner }: ChannelSettings) {
    const { settings, timeZone } = this.#parts;
    const audience = owner === true ? "owner" : "staff";
    const wording = {
      language: language ?? settings.language,
      timeZone,
      audience,
      templates: this.#templates,
    } as const;
    return messageOf(notices, wording);
  }

  #report(due: readonly DueDelivery[], state: "sent" | "failed", error: string): Promise<void> {
    const endedAt = this.#parts.clock.now();
    const ended = due.map(({ delivery }) => ({ ...delivery, state, error, endedAt, attempts: delivery.attempts + 1 }));
    return saveDeliveries(this.#parts.store, ended);
  }

  /** Twice as long after each try, at most an hour; given up after about a day. */
  async #retry(due: readonly DueDelivery[], error: string): Promise<void> {
    const now = this.#parts.clock.now();
    const tried = due.map(({ delivery }): Delivery => {
      const attempts = delivery.attempts + 1;
      if (attempts >= attemptsMax) return { ...delivery, attempts, error, state: "failed", endedAt: now };
      return { ...delivery, attempts, error, dueAt: now + Math.min(retryMsMin * 2 ** delivery.attempts, retryMsMax) };
    });
    await saveDeliveries(this.#parts.store, tried);
  }
}
