// The contract of a check: one reason to give a verdict. A check plans (pure: which cells it may want), then settles
// its say into the ledger of the question, in the order of checks/index.ts (decided 5).

import type { BanLookup } from "../core/ban.ts";
import type { CompiledRules } from "./compiled-rules.ts";
import type { Ledger } from "./ledger.ts";
import type { OpenMessage } from "./message.ts";
import type { Raises } from "./raises.ts";
import type { Request } from "./request.ts";

export interface Check {
  readonly name: string;
  /** One sentence for the reference. */
  readonly help: string;
  /** What the check will do with this question; undefined when it has nothing to say. */
  plan(question: Question): Plan | undefined;
}

export interface Plan {
  /** The cells that settle may read or charge. */
  readonly keys: readonly string[];
  /** Called once, unless an earlier check ended the question. */
  settle(ledger: Ledger): void;
}

/** One question with what it was resolved to. */
export interface Question {
  readonly request: Request;
  /** ms since the epoch: the time of all charges of this question; the store's own from when its job begins. */
  readonly now: number;
  /** The canonical account of the login; empty when not logged in. */
  readonly account: string;
  readonly rules: CompiledRules;
  /** Indexes of the matching policies, ascending. */
  readonly matched: readonly number[];
  /** The open message this question belongs to; undefined where Postfix named no instance, or at an unknown END-OF-MESSAGE. */
  readonly message: OpenMessage | undefined;
  /** The message's id for this node; empty where Postfix named no instance. */
  readonly messageId: string;
  readonly raises: Raises;
  /** Undefined where nobody bans. */
  readonly bans: PolicyBans | undefined;
}

/** Standing bans as the policy service needs them. */
export interface PolicyBans extends BanLookup {
  /** With `{address}` and `{jail}` for what is banned and by whom. */
  readonly text: string;
  /** Nothing is refused, whoever is banned. */
  readonly observes: boolean;
}
