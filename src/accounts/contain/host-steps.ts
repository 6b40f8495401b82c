// The steps that concern one host: what of an account lies in its Postfix's queue, and who is connected to it. Each node does them
// for itself, because nobody else can.

import { messageOf } from "../../core/problem.ts";
import type { ContainStep } from "../../store/containments.ts";
import { hangUpLine, kickLine, type PrivilegedSteps, postsuperLine, safeIds } from "./privileged-steps.ts";

/** A message that is known to be an account's. */
export interface OwnMessage {
  readonly queueId: string;
  readonly node: string;
}

export interface HostParts {
  readonly node: string;
  /** Messages of the account, those of other nodes too: a sender proves nothing, these ids do. */
  readonly queueOf: (account: string) => Promise<readonly OwnMessage[]>;
  /** What lies in the queue; undefined when nobody can say. */
  readonly queued: () => Promise<ReadonlySet<string> | undefined>;
  /** Other ends of submission sessions that the account may have open. */
  readonly sessions: (account: string) => readonly (readonly [address: string, port: number])[];
  /** Dovecot's configuration file, for what is to be run by hand; empty: its own. */
  readonly dovecotConfig: string;
  readonly helper: () => PrivilegedSteps | undefined;
}

/** What is done with messages that were held. */
export type HeldFate = "release" | "delete";

/** Messages held for one account at most. */
const holdsMax = 5_000;
/** Sessions that a person is shown commands for. */
const sessionsShown = 20;

export class HostSteps {
  readonly #parts: HostParts;

  constructor(parts: HostParts) {
    this.#parts = parts;
  }

  get node(): string {
    return this.#parts.node;
  }

  /** Which of these messages lie in the queue here; all of them, not `sure`, when nobody can say. */
  async idsHere(messages: readonly OwnMessage[]): Promise<{ readonly ids: readonly string[]; readonly sure: boolean }> {
    const there = await this.#parts.queued();
    const own = messages.filter(({ node }) => node === this.#parts.node).map(({ queueId }) => queueId);
    const ids = safeIds(own.filter((id) => there === undefined || there.has(id))).slice(-holdsMax);
    return { ids, sure: there !== undefined };
  }

  planHold({ ids, sure }: { readonly ids: readonly string[]; readonly sure: boolean }, elsewhere: string): ContainStep {
    const which = sure
      ? `its ${ids.length} queued messages`
      : `those of its last ${ids.length} messages that are queued`;
    const what = `hold ${which}${elsewhere}`;
    return this.#byHelper("hold", what, ids.length === 0, postsuperLine("-h", ids));
  }

  /** With the ids that are held afterwards, the node's name before each. */
  async hold(
    step: ContainStep,
    account: string,
  ): Promise<{ readonly step: ContainStep; readonly held: readonly string[] }> {
    const { ids } = await this.idsHere(await this.#parts.queueOf(account).catch(() => []));
    if (ids.length === 0) return { step: { ...step, result: "nothing_to_do", detail: "" }, held: [] };
    const held = ids.map((id) => `${this.#parts.node}/${id}`);
    const helper = this.#parts.helper();
    if (helper === undefined) return { step: { ...step, result: "by_hand", detail: postsuperLine("-h", ids) }, held };
    const count = await helper.hold(ids).catch((error: unknown) => error);
    // What was tried may be held: a release gives it back.
    if (typeof count !== "number") return { step: { ...step, result: "failed", detail: messageOf(count) }, held };
    return { step: { ...step, result: "done", detail: `${count} of ${ids.length} messages are held` }, held };
  }

  planUnhold(held: readonly string[], fate: HeldFate, elsewhere: string): ContainStep {
    const ids = this.heldHere(held);
    const word = fate === "release" ? "give back to the queue" : "delete";
    const what = `${word} ${ids.length} held messages${elsewhere}`;
    return this.#byHelper("unhold", what, ids.length === 0, postsuperLine(flagOf(fate), ids));
  }

  async unhold(step: ContainStep, held: readonly string[], fate: HeldFate): Promise<ContainStep> {
    const ids = this.heldHere(held);
    if (ids.length === 0) return { ...step, result: "nothing_to_do", detail: "" };
    const helper = this.#parts.helper();
    if (helper === undefined) return { ...step, result: "by_hand", detail: postsuperLine(flagOf(fate), ids) };
    const count = await (fate === "release" ? helper.release(ids) : helper.remove(ids));
    return { ...step, result: "done", detail: `${count} of ${ids.length} messages` };
  }

  planKick(account: string): ContainStep {
    return this.#byHelper("kick", "end its IMAP, POP3 and submission sessions", false, this.#kickLines(account));
  }

  async kick(step: ContainStep, account: string): Promise<ContainStep> {
    const helper = this.#parts.helper();
    if (helper === undefined) return { ...step, result: "by_hand", detail: this.#kickLines(account) };
    const sessions = this.#parts.sessions(account);
    // A machine without Dovecot has submission sessions all the same.
    const [kicked, hungUp] = await Promise.allSettled([
      helper.kick(account),
      sessions.length === 0 ? 0 : helper.hangUp(sessions),
    ]);
    const told = [
      kicked.status === "fulfilled"
        ? `sessions of Dovecot ${kicked.value > 0 ? "ended" : "are none"}`
        : messageOf(kicked.reason),
      hungUp.status === "fulfilled" ? `${hungUp.value} submission sessions ended` : messageOf(hungUp.reason),
    ];
    const isDone = kicked.status === "fulfilled" && hungUp.status === "fulfilled";
    return { ...step, result: isDone ? "done" : "failed", detail: told.join("; ") };
  }

  /** Queue ids of the held messages that lie here. */
  heldHere(held: readonly string[]): readonly string[] {
    return safeIds(held.filter((id) => this.isHere(id)).map((id) => id.slice(id.lastIndexOf("/") + 1)));
  }

  /** Of a held message: its id has the name of its node before it. */
  isHere(held: string): boolean {
    return !held.includes("/") || held.startsWith(`${this.#parts.node}/`);
  }

  #kickLines(account: string): string {
    const sessions = this.#parts.sessions(account).slice(-sessionsShown);
    const lines = [kickLine(account, this.#parts.dovecotConfig), hangUpLine(sessions)];
    return lines.filter((line) => line !== "").join("; ");
  }

  #byHelper(step: ContainStep["step"], what: string, isNothing: boolean, line: string): ContainStep {
    if (isNothing) return { step, what, result: "nothing_to_do", detail: "" };
    const detail = this.#parts.helper() === undefined ? `no helper runs; by hand: ${line}` : "by the helper";
    return { step, what, result: "planned", detail };
  }
}

function flagOf(fate: HeldFate): "-H" | "-d" {
  return fate === "release" ? "-H" : "-d";
}
