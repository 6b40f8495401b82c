// The judge of several nodes, on the one that has the role: hears what all of them tell, in one order, and says what is to be written.

import type { AccountsStart, AccountsWrite, Heard, Seat } from "./accounts-words.ts";
import { isPastText, replayEvents } from "./event-record.ts";
import type { Judge, LevelChange, NetworkFinder } from "./judge.ts";
import type { PastJudge } from "./past-judge.ts";
import { checkpointOf, createPast, doAct, restoreJudge, useMarks } from "./restored-judge.ts";

/** Histories are written this often, and after so many rows. */
const checkpointMs = 300_000;
const checkpointRows = 5_000;

export class JudgeSeat {
  readonly judge: Judge;
  readonly #past: PastJudge;
  readonly #epoch: number;
  #changes: LevelChange[] = [];
  /** Up to here changes were written by whoever judged before: they are made again and told nobody. */
  readonly #mutedUpTo: number;
  #applied: number;
  #written: number;
  #isBehind: boolean;
  #rows = 0;
  #checkpointAt = 0;

  constructor(start: AccountsStart, networks: NetworkFinder, { epoch, heard, applied }: Seat) {
    this.#past = createPast(start, networks);
    this.judge = restoreJudge(start, networks, (change) => void this.#changes.push(change), this.#past);
    this.#epoch = epoch;
    this.#mutedUpTo = applied;
    this.#applied = heard;
    this.#written = applied;
    this.#isBehind = heard < applied;
  }

  hear({ rows, more, marks, now }: Heard): void {
    if (marks !== undefined) useMarks(this.judge, marks);
    this.#isBehind = more;
    for (const { seq, body } of rows) {
      // Asked a second time after an answer that was lost.
      if (seq <= this.#applied) continue;
      if (isPastText(body)) this.#past.replay(body);
      else
        replayEvents(body, this.judge, (act) => {
          if (act.act === "erase") this.#past.erase(act.account);
          doAct(this.judge, act);
          // What a person did is on disk soon, and what it undid is gone from there.
          this.#checkpointAt = 0;
        });
      if (seq <= this.#mutedUpTo) this.#changes = [];
      this.#applied = seq;
      this.#rows++;
    }
    if (!more) this.judge.due(now);
  }

  due(now: number): readonly AccountsWrite[] {
    if (this.#applied < this.#mutedUpTo) return [];
    if (!this.#isBehind) this.judge.due(now);
    if (this.#past.due(this.judge)) this.#checkpointAt = 0;
    const writes: AccountsWrite[] = this.#changes.map((change) => ({ kind: "change", change }));
    this.#changes = [];
    // What is told of the past stays a row until the histories hold it.
    if (this.#rows > 0 && !this.#past.isWaiting && (now >= this.#checkpointAt || this.#rows >= checkpointRows)) {
      this.#checkpointAt = now + checkpointMs;
      this.#rows = 0;
      writes.push(checkpointOf(this.judge, now, this.#applied));
    }
    if (writes.length === 0 && this.#written === this.#applied) return [];
    this.#written = this.#applied;
    return [{ kind: "judged", epoch: this.#epoch, applied: this.#applied, writes }];
  }
}
