// Answers questions: match → plan → charge in one job of the store → verdict (decided 1). The road of a question is this file.

import type { Clock } from "../core/clock.ts";
import type { Log } from "../core/log.ts";
import type { Cells, CellView, Charged, DecisionRow } from "../store/db.ts";
import type { Check, Plan, PolicyBans, Question } from "./check.ts";
import type { CompiledRules } from "./compiled-rules.ts";
import { DecisionBook } from "./decision-book.ts";
import type { Finding } from "./finding.ts";
import { Ledger } from "./ledger.ts";
import type { OpenMessage } from "./message.ts";
import { onErrorOf } from "./on-error.ts";
import { type Asker, type MessageStats, OpenMessages } from "./open-messages.ts";
import type { Raises } from "./raises.ts";
import type { Request } from "./request.ts";
import { StageMemory } from "./stage-memory.ts";
import type { Verdict } from "./verdict.ts";

export interface EngineParts {
  readonly cells: Cells;
  readonly clock: Clock;
  readonly log: Log;
  readonly checks: readonly Check[];
  readonly rules: CompiledRules;
  readonly raises: Raises;
  readonly bans?: PolicyBans;
  /** `[node] name`: which node decided, in records and their ids. */
  readonly node?: string;
  /** Told of every finding that keeps a record, also of those that share one: for figures. */
  readonly onFinding?: (finding: Finding) => void;
  /** Told of every question with all that was found: for lines in the forms of others. */
  readonly onSettled?: (question: Question, findings: readonly Finding[]) => void;
}

export interface EngineStats extends MessageStats {
  /** Answers that left before their charges were on disk. */
  readonly unrecorded: number;
  readonly errors: number;
}

/** A question on its way: the time of its charges is the store's, known once its job begins. */
type Asked = Question & { now: number };

/** How often overdue messages of nodes that are gone are looked for. */
const adoptEveryMs = 60_000;

/** Beyond the hour after which a node that lives gives back its own. */
const adoptAfterMs = 2 * 3_600_000;

const dunno: Verdict = { kind: "dunno" };

export class PolicyEngine {
  readonly #parts: EngineParts;
  readonly #book: DecisionBook;
  readonly #messages = new OpenMessages();
  readonly #stages = new StageMemory();
  /**
   * Questions that wait for the store: asked again meanwhile on another connection, they share the answer, and its charge on disk.
   * At most one a connection.
   */
  readonly #underWay = new Map<string, Promise<Verdict>>();
  #rules: CompiledRules;
  #unrecorded = 0;
  #errors = 0;
  #adoptAt = 0;

  constructor(parts: EngineParts) {
    this.#parts = parts;
    this.#rules = parts.rules;
    this.#book = new DecisionBook(parts.node ?? "");
  }

  get stats(): EngineStats {
    return { ...this.#messages.stats, unrecorded: this.#unrecorded, errors: this.#errors };
  }

  get rules(): CompiledRules {
    return this.#rules;
  }

  /** Swaps the rules whole: the next question is answered by the new ones. */
  use(rules: CompiledRules): void {
    this.#rules = rules;
  }

  /** Goes on with the messages that were open when the store was last closed, or killed. */
  async restore(): Promise<void> {
    this.#messages.restore(await this.#parts.cells.openMessages());
  }

  /** The verdict for one question, its charges on disk. Never throws for a store that is lost: then `on_error` speaks. */
  decide(request: Request, asker: Asker): Promise<Verdict> {
    if (request.state !== "RCPT" && request.state !== "END-OF-MESSAGE" && request.state !== "DATA") {
      return Promise.resolve(dunno);
    }
    const question = this.#question(request);
    const id = questionId(question);
    const underWay = this.#underWay.get(id);
    if (underWay !== undefined) {
      asker.current ??= question.messageId;
      return underWay;
    }
    const repeated = this.#messages.findAnswer(question, asker);
    if (repeated !== undefined) return Promise.resolve(repeated);
    const answer = this.#charge(question, this.#messages.supersede(question, asker)).then(
      ({ result, recorded }) => {
        this.#underWay.delete(id);
        if (!recorded) this.#unrecorded++;
        return result;
      },
      (error: unknown) => {
        this.#underWay.delete(id);
        return this.#fail(question, error);
      },
    );
    if (id !== "") this.#underWay.set(id, answer);
    return answer;
  }

  #fail(question: Question, error: unknown): Verdict {
    const { state, instance } = question.request;
    this.#errors++;
    this.#parts.log.error("policy_error", { error: String(error), state, instance });
    if (onErrorOf(question) === "pass") return dunno;
    return { kind: "defer", text: "451 4.3.0 Temporary policy failure, please try again later" };
  }

  /** Gives back what is overdue at `now`; returns how many messages, at most 500. */
  async sweep(now: number): Promise<number> {
    if (now >= this.#adoptAt) {
      this.#adoptAt = now + adoptEveryMs;
      this.#messages.adopt(await this.#parts.cells.adoptMessages(now - adoptAfterMs));
    }
    const due = this.#messages.due(now);
    for (const message of due) {
      await this.#parts.cells.charge(message.bookedKeys(), (view) => this.#messages.close(message, view, view.now));
    }
    return due.length;
  }

  /** What would be answered now, and why; charges nothing and opens no message. */
  async rehearse(request: Request): Promise<{ readonly question: Question; readonly ledger: Ledger }> {
    const question = { ...this.#question(request), message: undefined };
    const plans = this.#plan(question);
    const states = new Map<string, Awaited<ReturnType<Cells["peek"]>>>();
    for (const key of plans.flatMap((plan) => plan.keys)) states.set(key, await this.#parts.cells.peek(key));
    const ledger = new Ledger({ get: (key) => states.get(key), put: () => {} });
    settlePlans(plans, ledger);
    return { question, ledger };
  }

  #question(request: Request): Asked {
    const rules = this.#rules;
    const account = request.login === "" ? "" : rules.canonical(request.login);
    const resolved = account === request.login ? request : { ...request, login: account };
    const now = this.#parts.clock.now();
    const messageId = this.#messages.idOf(resolved);
    return {
      request: resolved,
      now,
      account,
      rules,
      matched: rules.matcher.match(resolved),
      messageId,
      message: this.#messages.find(messageId, resolved, now),
      raises: this.#parts.raises,
      bans: this.#parts.bans,
    };
  }

  #charge(question: Asked, previous: OpenMessage | undefined): Promise<Charged<Verdict>> {
    const plans = this.#plan(question);
    return this.#parts.cells.charge(keysOf(plans, previous), (view) => {
      question.now = view.now;
      if (previous !== undefined) this.#messages.close(previous, view, view.now);
      return this.#settle(question, plans, view);
    });
  }

  #plan(question: Question): readonly Plan[] {
    const plans: Plan[] = [];
    for (const check of this.#parts.checks) {
      const plan = check.plan(question);
      if (plan !== undefined) plans.push(plan);
    }
    return plans;
  }

  #settle(question: Question, plans: readonly Plan[], view: CellView): Verdict {
    const isEnd = question.request.state === "END-OF-MESSAGE";
    if (isEnd) this.#messages.giveBackDropped(question, view);
    const ledger = new Ledger(view);
    settlePlans(plans, ledger);
    const verdict = this.#record(question, ledger, view);
    const hasCharged = ledger.commit();
    this.#parts.onSettled?.(question, ledger.findings);
    if (isEnd) this.#messages.end(question, hasCharged, verdict, view);
    else if (question.request.state === "RCPT") this.#messages.trackRecipient(question, ledger, verdict, view);
    return verdict;
  }

  /** Writes the records of a question and puts the id of the one that speaks where the text says `{id}`. */
  #record(question: Question, ledger: Ledger, view: CellView): Verdict {
    let id = "";
    for (const finding of ledger.findings) {
      if (this.#isToldStage(finding, question.now)) continue;
      const recorded = this.#book.record(question, finding, ledger.findings);
      if (recorded === undefined) continue;
      this.#parts.onFinding?.(finding);
      view.saveDecision(recorded.row);
      if (finding.effect === "acted") id = recorded.row.id;
      if (recorded.isFirst) this.#logDecision(recorded.row);
    }
    const { verdict } = ledger;
    if (verdict.kind === "dunno" || !verdict.text.includes("{id}")) return verdict;
    return { ...verdict, text: verdict.text.replaceAll("{id}", id) };
  }

  /** Asked only of what holds: a stage of charges that were given back is no longer among the findings. */
  #isToldStage(finding: Finding, now: number): boolean {
    if (finding.check !== "quota" || finding.stage === undefined) return false;
    return !this.#stages.isNew(finding.key, finding.stage, finding.limit.limit.periodMs, now);
  }

  #logDecision(row: DecisionRow): void {
    const { id, verdict, rule, key, account, sender: from, recipient: to, client, queueId: queue_id } = row;
    this.#parts.log.info("decision", { id, verdict, rule, key, account, from, to, client, queue_id });
  }
}

/** What makes two questions the same; empty where Postfix named no instance. The queue id appears after the first RCPT only. */
function questionId({ messageId, request }: Question): string {
  if (messageId === "") return "";
  const queueId = request.state === "END-OF-MESSAGE" ? request.queueId : "";
  return `${messageId}\x7f${request.state}\x7f${queueId}\x7f${request.context}\x7f${request.recipient}`;
}

/** The cells a job may touch, each once. Most questions touch one plan's: those are used as they are. */
function keysOf(plans: readonly Plan[], previous: OpenMessage | undefined): readonly string[] {
  const booked = previous?.bookedKeys() ?? [];
  const [only] = plans;
  if (only !== undefined && plans.length === 1 && booked.length === 0) return only.keys;
  return [...new Set([...plans.flatMap((plan) => plan.keys), ...booked])];
}

function settlePlans(plans: readonly Plan[], ledger: Ledger): void {
  for (const plan of plans) if (!ledger.ended) plan.settle(ledger);
}
