// What the two halves of accounts tell each other: the part in the logs thread, and its owner. Plain data.

import type { AccountOptions } from "../core/account.ts";
import type { HistoryRow } from "./account-book.ts";
import type { AccountView } from "./account-view.ts";
import type { AskedLogin, LevelChange } from "./judge.ts";
import type { JudgeSettings } from "./judge-settings.ts";
import type { Mark } from "./marks.ts";
import type { SiteRecord } from "./site-knowledge.ts";

/** Under this name the part and its owner are joined. */
export const accountsPartName = "accounts";

/** A message of an account that was queued. */
export interface QueueRow {
  readonly queueId: string;
  readonly account: string;
  readonly at: number;
  readonly counted: boolean;
}

export interface AccountsStart {
  readonly settings: JudgeSettings;
  readonly accounts: AccountOptions;
  readonly histories: readonly Pick<HistoryRow, "account" | "level" | "body">[];
  readonly queue: readonly QueueRow[];
  readonly site: SiteRecord | undefined;
  readonly marks: readonly Mark[];
  /** What was told since these were written, oldest first. */
  readonly events: readonly string[];
  /** The number of the last of them. */
  readonly sequence: number;
  /** This node's name, where it shares its store with others and one of them judges. */
  readonly sharedAs?: string;
}

export type AccountsWrite =
  | { readonly kind: "events"; readonly sequence: number; readonly body: string }
  | { readonly kind: "change"; readonly change: LevelChange }
  | {
      readonly kind: "checkpoint";
      readonly at: number;
      /** Events up to this number are in what follows. */
      readonly sequence: number;
      readonly histories: readonly HistoryRow[];
      readonly gone: readonly string[];
      readonly queue: readonly QueueRow[];
      readonly site: SiteRecord;
    }
  /** Of a node among several, to the one that judges. */
  | { readonly kind: "told"; readonly body: string }
  /** Of the one that judges: what came of rows up to `applied`. */
  | {
      readonly kind: "judged";
      readonly epoch: number;
      readonly applied: number;
      readonly writes: readonly AccountsWrite[];
    };

/** Where the judge of several nodes begins. */
export interface Seat {
  /** The number under which its node has the role. */
  readonly epoch: number;
  /** The last row that is in the histories. */
  readonly heard: number;
  /** The last one of which the changes were written. */
  readonly applied: number;
}

/** What nodes told, for the one that judges. */
export interface Heard {
  readonly now: number;
  readonly rows: readonly { readonly seq: number; readonly body: string }[];
  /** More waits: what is heard is late, and the log's own time rules. */
  readonly more: boolean;
  /** All marks there are, when some changed. */
  readonly marks: readonly Mark[] | undefined;
}

export type AccountsQuestion =
  | { readonly ask: "asked"; readonly now: number; readonly logins: readonly AskedLogin[] }
  | { readonly ask: "account"; readonly now: number; readonly account: string }
  | { readonly ask: "queue"; readonly account: string }
  /** All marks there are; `account` is judged again. */
  | { readonly ask: "marks"; readonly now: number; readonly marks: readonly Mark[]; readonly account?: string }
  | { readonly ask: "reset"; readonly now: number; readonly account: string }
  | { readonly ask: "erase"; readonly account: string }
  /** From here on this node judges for all of them. */
  | ({ readonly ask: "sit"; readonly start: AccountsStart } & Seat)
  | { readonly ask: "rise" }
  | ({ readonly ask: "hear" } & Heard)
  /** `start`: the account as it lies on disk, for a node that does not judge. */
  | { readonly ask: "look"; readonly now: number; readonly account: string; readonly start?: AccountsStart };

export interface Looked {
  readonly view: AccountView | undefined;
  readonly queue: readonly { readonly queueId: string; readonly at: number }[];
}

export type AccountsAnswer =
  | null
  | boolean
  | AccountView
  | Looked
  | readonly { readonly queueId: string; readonly at: number }[];

export interface AccountsReport {
  readonly accounts: number;
  readonly events: number;
  /** Lines that lay behind what had been seen. */
  readonly late: number;
}
