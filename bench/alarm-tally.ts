// Alarms against what is true: how many stolen accounts were found, how soon, and how often nobody had stolen anything.

const dayMs = 86_400_000;

export interface Truth {
  readonly options: { readonly start: string; readonly tz: string; readonly users: number; readonly days: number };
  readonly window: { readonly to: string };
  readonly accounts: Readonly<
    Record<string, { readonly attack?: { readonly from: string; readonly firstMail: string; readonly to: string } }>
  >;
}

export interface Alarm {
  readonly from: number;
  to: number;
}

/** By account, oldest first. */
export type Alarms = ReadonlyMap<string, readonly Alarm[]>;

/** When an account mailed, and to how many. */
export type Mailed = ReadonlyMap<string, readonly { readonly at: number; readonly recipients: number }[]>;

export class AlarmTally {
  #found = 0;
  #taken = 0;
  #falseAlarms = 0;
  #falseDays = 0;
  #falseAccounts = 0;
  #accountDays = 0;
  readonly #minutes: number[] = [];
  readonly #recipients: number[] = [];

  /** One log more. Found: alarmed between the intruder's first login and a day after his last. False: begun outside that, a fortnight later included. */
  count(truth: Truth, alarms: Alarms, mailed: Mailed): void {
    this.#accountDays += truth.options.users * truth.options.days;
    const end = Date.parse(truth.window.to);
    for (const [account, { attack }] of Object.entries(truth.accounts)) {
      const list = alarms.get(account) ?? [];
      const from = attack === undefined ? Number.POSITIVE_INFINITY : Date.parse(attack.from) - 1_000;
      const to = attack === undefined ? Number.POSITIVE_INFINITY : Date.parse(attack.to);
      this.#countFalse(list, from, to + 14 * dayMs, end);
      if (attack === undefined) continue;
      this.#taken++;
      const early = list.some((alarm) => alarm.from < from - 2 * dayMs && alarm.to >= from);
      const hit = list.find((alarm) => alarm.to >= from && alarm.from <= to + dayMs);
      if (hit === undefined || early) continue;
      this.#found++;
      const first = Date.parse(attack.firstMail);
      const at = Math.max(hit.from, from);
      this.#minutes.push(Math.max(0, at - first) / 60_000);
      const before = (mailed.get(account) ?? []).filter((mail) => mail.at >= first && mail.at < at);
      this.#recipients.push(before.reduce((sum, mail) => sum + mail.recipients, 0));
    }
  }

  get recall(): number {
    return this.#found / Math.max(1, this.#taken);
  }

  /** For a thousand account-days, as all that follow. */
  get falseAlarms(): number {
    return (this.#falseAlarms / this.#accountDays) * 1_000;
  }

  get row(): Readonly<Record<string, string>> {
    const precision = this.#found / Math.max(1, this.#found + this.#falseAccounts);
    return {
      recall: this.recall.toFixed(3),
      precision: precision.toFixed(2),
      "false alarms": this.falseAlarms.toFixed(2),
      "days of false alarm": ((this.#falseDays / this.#accountDays) * 1_000).toFixed(1),
      "median min": median(this.#minutes),
      "recipients before": median(this.#recipients),
    };
  }

  #countFalse(list: readonly Alarm[], from: number, to: number, end: number): void {
    const begun = list.filter((alarm) => alarm.from < from || alarm.from > to);
    const days = new Set<number>();
    for (const alarm of begun) {
      const last = Math.min(alarm.to, alarm.from < from ? Math.min(from, end) : end);
      for (let day = Math.floor(alarm.from / dayMs); day <= Math.floor(last / dayMs); day++) days.add(day);
    }
    this.#falseAlarms += begun.length;
    this.#falseDays += days.size;
    if (begun.length > 0) this.#falseAccounts++;
  }
}

function median(list: number[]): string {
  return list.sort((a, b) => a - b)[list.length >> 1]?.toFixed(0) ?? "-";
}
