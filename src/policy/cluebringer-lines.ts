// The lines that cluebringer wrote to the mail log, for scripts that still read them (`[policy] cluebringer_log`): one for each
// counter that was charged, one for each verdict. Its numbers of policies, quotas and limits are the places in `policy export`.

import { printIp } from "../core/ip.ts";
import type { Question } from "./check.ts";
import type { CompiledLimit, CompiledRules } from "./compiled-rules.ts";
import { type AccessFinding, type Finding, isRecorded, type QuotaFinding } from "./finding.ts";

/** A longer HELO or address says nothing more to a script. */
const valueMax = 255;

/** Places from 1 in the order of the rules. */
interface Places {
  readonly policy: number;
  readonly quota: number;
  readonly limit: number;
}

export class CluebringerLines {
  #rules: CompiledRules | undefined;
  #places = new Map<CompiledLimit, Places>();

  /** The lines of one question, without the program's name and the time, which the log adds. */
  of(question: Question, findings: readonly Finding[]): readonly string[] {
    if (this.#rules !== question.rules) this.#number(question.rules);
    const mail = mailOf(question);
    const lines: string[] = [];
    // Whatever was charged before a refusal is given back.
    const isRefused = findings.some((finding) => finding.effect === "acted" && isRecorded(finding));
    for (const finding of findings) {
      if (isRefused && finding.effect === "charged") continue;
      const line = finding.check === "quota" ? this.#quotaLine(finding, mail) : accessLine(finding, mail);
      if (line !== undefined) lines.push(line);
    }
    return lines;
  }

  #quotaLine(finding: QuotaFinding, mail: string): string | undefined {
    const { effect, limit, max, amount, admission, key } = finding;
    const places = this.#places.get(limit);
    // Accounting had lines of another form; stages and rules that only observe had none.
    if (places === undefined || (effect !== "charged" && effect !== "acted")) return undefined;
    const used = effect === "charged" ? admission.after : admission.before + amount;
    const [head, reason] = headOf(effect, admission.before === 0 ? "create" : "update", limit.quota.rule.verdict);
    const counter = limit.limit.count.startsWith("kilobytes") ? "MessageCumulativeSize" : "MessageCount";
    const share = max === 0 ? 100 : (used / max) * 100;
    return (
      `module=Quotas, ${head}, ${mail}, reason=${reason}, policy=${places.policy}, quota=${places.quota}, ` +
      `limit=${places.limit}, track=${tame(key.slice(limit.prefix.length))}, counter=${counter}, ` +
      `quota=${used.toFixed(2)}/${max} (${share.toFixed(1)}%)`
    );
  }

  #number(rules: CompiledRules): void {
    this.#rules = rules;
    this.#places = new Map();
    let quotas = 0;
    let limits = 0;
    for (const [index, { quotas: ofPolicy }] of rules.policies.entries()) {
      for (const quota of ofPolicy) {
        quotas++;
        for (const limit of quota.limits) {
          limits++;
          this.#places.set(limit, { policy: index + 1, quota: quotas, limit: limits });
        }
      }
    }
  }
}

function headOf(effect: "charged" | "acted", mode: "create" | "update", verdict: string): readonly [string, string] {
  return effect === "charged" ? [`mode=${mode}`, `quota_${mode}`] : [`action=${verdict}`, "quota_match"];
}

function accessLine({ access, effect }: AccessFinding, mail: string): string | undefined {
  if (effect !== "acted") return undefined;
  return `module=AccessControl, action=${access.rule.verdict}, ${mail}, reason=verdict`;
}

function mailOf({ request }: Question): string {
  const host = request.client === undefined ? "" : printIp(request.client);
  return `host=${host}, helo=${tame(request.helo)}, from=${tame(request.sender)}, to=${tame(request.recipient)}`;
}

/** What a client sends must not look like another field, or like another line. */
function tame(text: string): string {
  return text.slice(0, valueMax).replace(/[^!-+\--~]/g, "?");
}
