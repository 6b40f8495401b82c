// Who judges where several nodes share a store, from the main thread of each: one has the role, for as long as it says that it lives;
// it reads what all told and gives it to its part. When it dies another one goes on from what lies on disk.

import type { Transaction } from "kysely";
import type { Clock } from "../core/clock.ts";
import type { Log } from "../core/log.ts";
import {
  adoptJudgeState,
  findSiteText,
  type JudgeState,
  readAccountState,
  readJudgeState,
  saveJudgeCheckpoint,
  saveSiteText,
} from "../store/account-history.ts";
import { answerLook, askLook, dropLook, findLookAnswer, openLooks, pruneLooks } from "../store/account-looks.ts";
import { addTold, dropTold, everyNode, pruneTold, readTold } from "../store/account-told.ts";
import type { Store } from "../store/db.ts";
import { claimRole, findRole, hasRole, leaveRole } from "../store/node-roles.ts";
import type { Tables } from "../store/tables.ts";
import type { AccountsQuestion, AccountsStart, AccountsWrite, Looked } from "./accounts-words.ts";
import { type AccountAct, isMarksAct, printAct } from "./event-record.ts";
import type { LevelChange } from "./judge.ts";

export interface SharedJudgeParts {
  readonly store: Store;
  readonly node: string;
  readonly clock: Clock;
  readonly log: Log;
  /** Some log is read here, so that the thread is there in which the judge lives. */
  readonly isReading: () => boolean;
  readonly ask: (question: AccountsQuestion) => Promise<unknown>;
  /** What a judge starts from, with all marks there are. */
  readonly startFrom: (state: JudgeState) => Promise<AccountsStart>;
}

/** Without a word the judge is taken for dead after this; it says one more often. */
const roleMs = 10_000;
const claimMs = 2_000;
/** A node that cannot judge lets others try. */
const unableMs = 60_000;
/** Readings at a time: the rest follows in the next turn. */
const readingsMax = 50;
/** A look without the judge reads no more of what nobody has judged yet. */
const looksMax = 20;
const settleMs = 5_000;
const settleLookMs = 100;
/** A person waits for it; without an answer the disk is asked. */
const answerMs = 3_000;
const answerLookMs = 30;
const looksKeptMs = 600_000;
/** Of an account's messages, in an answer to another node; more are never held (host-steps.ts). */
const queueShown = 5_000;
/** What nobody came to judge. */
const toldMs = 7 * 86_400_000;

export class SharedJudge {
  readonly #parts: SharedJudgeParts;
  #epoch: number | undefined;
  /** The number under which the part judges. */
  #seated: number | undefined;
  #heard = 0;
  #claimAt = 0;
  #working: Promise<void> | undefined;

  constructor(parts: SharedJudgeParts) {
    this.#parts = parts;
  }

  /** The thread starts anew: nobody judges in it yet. */
  started(): void {
    this.#seated = undefined;
    this.#claimAt = 0;
  }

  /** Keeps the role or takes it, and hears what was told. Called twice a second; one at a time. */
  work(): Promise<void> {
    this.#working ??= this.#work().finally(() => {
      this.#working = undefined;
    });
    return this.#working;
  }

  /** The node that judges; undefined while none does. */
  judging(): Promise<string | undefined> {
    return findRole(this.#parts.store, "judge");
  }

  /** A clean stop: another node need not wait. */
  async leave(): Promise<void> {
    this.#claimAt = Number.POSITIVE_INFINITY;
    await this.#working?.catch(() => undefined);
    if (this.#epoch !== undefined) await leaveRole(this.#parts.store, "judge", this.#parts.node);
    this.#epoch = undefined;
  }

  /** Writes what was told and judged, in the transaction of the places; returns the changes of levels that are to be acted on. */
  async write(tx: Transaction<Tables>, writes: readonly AccountsWrite[]): Promise<readonly LevelChange[]> {
    const { node, clock } = this.#parts;
    const changes: LevelChange[] = [];
    for (const write of writes) {
      if (write.kind === "told") await addTold(tx, { node, at: clock.now(), body: write.body });
      else if (write.kind === "judged") changes.push(...(await this.#writeJudged(tx, write)));
    }
    return changes;
  }

  /** Tells the judge, wherever it is, what a person did; false when it has not done it after five seconds: then it comes to it. */
  async act(act: AccountAct): Promise<boolean> {
    const { store, node } = this.#parts;
    const row = { node, at: act.at, body: printAct(act) };
    const seq = await store.facts.transaction().execute((tx) => addTold(tx, row));
    const deadline = performance.now() + settleMs;
    while (performance.now() < deadline) {
      await this.work();
      if (Number(await findSiteText(store, everyNode, "applied")) >= seq) return true;
      await new Promise((resolve) => setTimeout(resolve, settleLookMs));
    }
    return false;
  }

  /** An account as the judge sees it, wherever it is; as it lies on disk when nobody judges. */
  async look(account: string, now: number): Promise<Looked> {
    const isElsewhere = this.#seated === undefined && (await this.judging()) !== undefined;
    const answer = isElsewhere ? await this.#askJudge(account, now) : await this.#look({ ask: "look", account, now });
    if (answer !== undefined) return answer;
    const start = await this.#stateOf(account);
    return (await this.#look({ ask: "look", account, now, start })) ?? { view: undefined, queue: [] };
  }

  /** Answers what other nodes ask of accounts, where this one judges. */
  async answerLooks(): Promise<void> {
    const { store, clock } = this.#parts;
    if (this.#seated === undefined) return;
    for (const { id, account } of await openLooks(store)) {
      const looked = await this.#look({ ask: "look", account, now: clock.now() });
      if (looked === undefined) return;
      const answer: Looked = { ...looked, queue: looked.queue.slice(-queueShown) };
      await answerLook(store, id, JSON.stringify(answer));
    }
  }

  async prune(now: number): Promise<void> {
    await pruneTold(this.#parts.store, now - toldMs);
    await pruneLooks(this.#parts.store, now - looksKeptMs);
  }

  /** Undefined when no judge is here, and nothing to make one of. */
  async #look(question: Extract<AccountsQuestion, { ask: "look" }>): Promise<Looked | undefined> {
    return ((await this.#parts.ask(question)) as Looked | null) ?? undefined;
  }

  /** Undefined when no answer came in time. */
  async #askJudge(account: string, now: number): Promise<Looked | undefined> {
    const { store } = this.#parts;
    const id = await askLook(store, account, now);
    const deadline = performance.now() + answerMs;
    let answer: string | undefined;
    while (answer === undefined && performance.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, answerLookMs));
      answer = await findLookAnswer(store, id);
    }
    await dropLook(store, id);
    return answer === undefined ? undefined : (JSON.parse(answer) as Looked);
  }

  async #work(): Promise<void> {
    const { store, node, isReading, clock } = this.#parts;
    if (!isReading()) return;
    if (clock.now() >= this.#claimAt) {
      const epoch = await claimRole(store, { role: "judge", node, forMs: roleMs, epoch: this.#epoch });
      this.#epoch = epoch;
      this.#claimAt = clock.now() + claimMs;
      if (epoch !== this.#seated) await this.#change(epoch);
    }
    if (this.#seated === undefined) return;
    await this.#hear();
    await this.answerLooks();
  }

  async #change(epoch: number | undefined): Promise<void> {
    const { ask, store, node, clock, log } = this.#parts;
    const was = this.#seated;
    this.#seated = undefined;
    if (epoch === undefined) {
      log.info("accounts.judged-elsewhere", {});
      await ask({ ask: "rise" });
      return;
    }
    try {
      await this.#sit(epoch);
      this.#seated = epoch;
      if (was === undefined) log.info("accounts.judging", { node });
    } catch (error) {
      this.#epoch = undefined;
      this.#claimAt = clock.now() + unableMs;
      await leaveRole(store, "judge", node);
      log.error("accounts.cannot-judge", { error: error instanceof Error ? error.message : String(error) });
    }
  }

  async #sit(epoch: number): Promise<void> {
    const { store, node, startFrom, ask, clock } = this.#parts;
    await adoptJudgeState(store, { from: node, to: everyNode, node, now: clock.now() });
    const state = await readJudgeState(store, everyNode);
    const heard = Number(state.site.get("sequence") ?? 0);
    const applied = Math.max(heard, Number(state.site.get("applied") ?? 0));
    await ask({ ask: "sit", epoch, heard, applied, start: await startFrom(state) });
    this.#heard = heard;
  }

  async #hear(): Promise<void> {
    const { store, ask, startFrom, clock } = this.#parts;
    for (let reading = 0; reading < readingsMax; reading++) {
      const { rows, more } = await readTold(store.facts, this.#heard);
      const last = rows.at(-1);
      if (last === undefined) return;
      const hasMarks = rows.some(({ body }) => isMarksAct(body));
      const marks = hasMarks ? (await startFrom(nothing)).marks : undefined;
      await ask({ ask: "hear", now: clock.now(), rows, more, marks });
      this.#heard = last.seq;
      if (!more) return;
    }
  }

  async #stateOf(account: string): Promise<AccountsStart> {
    const { store, startFrom } = this.#parts;
    const state = await readAccountState(store, everyNode, account);
    const written = Number(state.site.get("sequence") ?? 0);
    return await startFrom({ ...state, events: await this.#toldBehind(written) });
  }

  async #toldBehind(after: number): Promise<JudgeState["events"]> {
    const events: { sequence: number; body: string }[] = [];
    for (let look = 0; look < looksMax; look++) {
      const { rows, more } = await readTold(this.#parts.store.facts, events.at(-1)?.sequence ?? after);
      for (const { seq: sequence, body } of rows) events.push({ sequence, body });
      if (!more) break;
    }
    return events;
  }

  /** What somebody wrote who is not the judge any more is dropped: the judge hears the same rows. */
  async #writeJudged(
    tx: Transaction<Tables>,
    { epoch, applied, writes }: Extract<AccountsWrite, { kind: "judged" }>,
  ): Promise<readonly LevelChange[]> {
    const { node } = this.#parts;
    if (!(await hasRole(tx, { role: "judge", node, epoch }))) {
      this.#claimAt = 0;
      return [];
    }
    await saveSiteText(tx, everyNode, "applied", String(applied));
    for (const write of writes) {
      if (write.kind !== "checkpoint") continue;
      const { site, queue, sequence, ...rest } = write;
      const known = { ...site, sequence: String(sequence) };
      await saveJudgeCheckpoint(tx, everyNode, { ...rest, sequence, mails: queue, site: known });
      await dropTold(tx, sequence);
    }
    return writes.flatMap((write) => (write.kind === "change" ? [write.change] : []));
  }
}

const nothing: JudgeState = { histories: [], mails: [], site: new Map(), events: [] };
