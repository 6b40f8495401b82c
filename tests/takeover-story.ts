// Plays the steps of a case of judge.txt on the judge's stage.

import assert from "node:assert/strict";
import { type Level, levels } from "../src/accounts/account-history.ts";
import type { LevelChange } from "../src/accounts/judge.ts";
import {
  addressIn,
  dayMs,
  home,
  hosting,
  JudgeStage,
  mailCloud,
  otherHome,
  satellite,
} from "../src/accounts/judge-stage.ts";
import { readMarks } from "../src/accounts/marks.ts";
import { scoreOf } from "../src/accounts/score.ts";
import { readRange, readSpan } from "./takeover-cases.ts";

const domain = "poshta.example";
const me = `me@${domain}`;
const others = ["a", "b", "c", "d", "e", "f", "g"].map((name) => `${name}@${domain}`);
/** The stage's systems are numbered from here. */
const firstAsn = 64_500;
/** Messages that an `until` may take. */
const untilMax = 100;

const places: Readonly<Record<string, (n: number) => number>> = {
  home: () => home,
  domestic: (n) => otherHome(n),
  abroad: (n) => n,
  net: (n) => n,
  hosting: () => hosting,
  satellite: () => satellite,
  cloud: () => mailCloud,
  vpn: (n) => 210 + n,
};

/** Networks of `domestic:1-9`. */
function networksOf(where: string): readonly number[] {
  const [name = "", range = "0"] = where.split(":");
  const place = places[name];
  assert.ok(place, `a place that is none: ${where}`);
  return readRange(range).map(place);
}

export class Story {
  readonly #stage = new JudgeStage();
  #recipients = 0;

  constructor() {
    this.#stage.settleAll([me, ...others]);
  }

  step(text: string): void {
    const daily = /^daily x(\d+) (.+)$/.exec(text);
    if (daily !== null) {
      for (let day = 0; day < Number(daily[1]); day++) {
        this.step(daily[2] ?? "");
        this.#stage.now += dayMs;
      }
      return;
    }
    const until = /^until (\w+) (.+)$/.exec(text);
    if (until === null) return this.#simple(text);
    for (let i = 0; i < untilMax && this.#rank(me) < levels.indexOf(until[1] as Level); i++)
      this.#act(until[2] ?? "", i);
  }

  #simple(text: string): void {
    const wait = /^wait (\w+)$/.exec(text);
    if (wait !== null) return this.#wait(readSpan(wait[1] ?? ""));
    if (/^(send|fail) /.test(text)) {
      const times = Number(/^\w+ x(\d+) /.exec(text)?.[1] ?? 1);
      for (let i = 0; i < times; i++) this.#act(text, i);
      return;
    }
    if (/^(say|erase) /.test(text)) return this.#say(text);
    this.#expect(text);
  }

  /** The `i`-th message or failure of `send x10 WHO from WHERE name=value…`. */
  #act(text: string, i: number): void {
    const found = /^(send|fail)(?: x\d+)? (\w+) from (\S+)(.*)$/.exec(text);
    assert.ok(found, `a step that is none: ${text}`);
    const [, verb, who = "", where = "", rest = ""] = found;
    const value = (name: string) => new RegExp(`\\b${name}=(\\S+)`).exec(rest)?.[1];
    const user = who === "others" ? (others[i % others.length] ?? me) : `${who}@${domain}`;
    const ip = addressOf(where, i, Number(value("spread") ?? 0));
    if (verb === "fail") return this.#stage.fail(user, ip);
    const recipients = Number(value("recipients") ?? 1);
    const method = value("method");
    this.#recipients += recipients;
    this.#stage.send(user, ip, {
      recipients,
      bounced: Number(value("bounced") ?? 0),
      ...(method === undefined ? {} : { method }),
    });
    const every = / every (\w+)/.exec(rest)?.[1];
    if (every !== undefined) this.#stage.now += readSpan(every);
  }

  #wait(ms: number): void {
    const end = this.#stage.now + ms;
    for (; this.#stage.now < end; this.#stage.now += 600_000) this.#stage.judge.due(this.#stage.now);
  }

  #say(text: string): void {
    const { judge, now } = this.#stage;
    const [verb, , ...values] = text.split(" ");
    if (verb === "erase") return void assert.equal(judge.erase(me), true);
    const marks = values.map((value) => ({ account: me, kind: "mine" as const, value, from: 0, until: 0 }));
    const { byAccount, site } = readMarks(marks);
    judge.book.useMarks(byAccount, site);
    judge.judgeAgain(me, now);
  }

  #expect(text: string): void {
    const [what = "", ...rest] = text.split(" ");
    const last = rest.at(-1) ?? "";
    switch (what) {
      case "level":
        return this.#expectLevel(text);
      case "signal":
        return this.#expectSignal(rest[0] ?? "", rest[1] === "=" ? Number(last) : undefined);
      case "no":
        return last === "points"
          ? assert.deepEqual(this.#changes(), [])
          : assert.ok(!this.#signals().some(({ name }) => name === last), text);
      case "recipients":
        return assert.ok(this.#recipients < Number(last), `${this.#recipients} recipients`);
      case "familiar":
      case "unfamiliar":
        return this.#expectFamiliar(last, what === "familiar");
      case "score":
        return this.#expectScore(rest[0] ?? "", Number(last));
      case "lines":
        return this.#expectLines(rest[1] ?? "", Number(last));
      case "logins":
        return this.#expectLogins(Number(last));
      case "points":
        return this.#expectSum();
      case "unknown":
        return assert.equal(this.#stage.judge.look(me, this.#stage.now), undefined);
      default:
        assert.fail(`a step that is none: ${text}`);
    }
  }

  /** `level >= watch`, `level of fresh = calm`: the highest there was; `level now = calm`: how it stands. */
  #expectLevel(text: string): void {
    const found = /^level (?:of (\w+) |(now) )?(=|<|>=) (\w+)$/.exec(text);
    assert.ok(found, `a step that is none: ${text}`);
    const [, who = "me", isNow, sign, level] = found;
    const account = `${who}@${domain}`;
    const rank = isNow === undefined ? this.#rank(account) : levels.indexOf(this.#changes().at(-1)?.level ?? "calm");
    const wanted = levels.indexOf(level as Level);
    const holds = sign === "=" ? rank === wanted : sign === "<" ? rank < wanted : rank >= wanted;
    assert.ok(holds, `${text}: it is ${levels[rank]}`);
  }

  #expectSignal(name: string, points: number | undefined): void {
    const found = this.#signals().filter((signal) => signal.name === name);
    assert.ok(found.length > 0, `no signal ${name}`);
    if (points !== undefined)
      assert.ok(
        found.some((signal) => signal.points === points),
        JSON.stringify(found),
      );
  }

  #expectFamiliar(where: string, isFamiliar: boolean): void {
    const { account } = this.#stage.judge.look(me, this.#stage.now) ?? {};
    for (const network of networksOf(where)) {
      const use = account?.networks.find(({ key }) => key === firstAsn + network);
      assert.equal((use?.calmDays ?? 0) >= 3, isFamiliar, `${where}: ${JSON.stringify(use)}`);
    }
  }

  /** The score of what lies in the windows. */
  #expectScore(sign: string, wanted: number): void {
    const { evidence } = this.#stage.judge.look(me, this.#stage.now) ?? assert.fail("nobody is there");
    const { score } = scoreOf(evidence);
    assert.ok(sign === ">" ? score > wanted : score === wanted, `the score is ${score}`);
  }

  #expectLines(where: string, wanted: number): void {
    const { account } = this.#stage.judge.look(me, this.#stage.now) ?? assert.fail("nobody is there");
    const prefix = where.slice(0, -1);
    const lines = account.recent.filter(({ ip }) => ip.startsWith(prefix)).map(({ from }) => from.line);
    assert.equal(new Set(lines).size, wanted);
  }

  #expectLogins(least: number): void {
    const { logins = [] } = this.#changes().at(-1) ?? {};
    assert.ok(logins.length >= least, `${logins.length}`);
    for (const login of logins)
      assert.ok(login.at > 0 && login.ip !== "" && /^AS\d+ .*\([A-Z]{2}\)$/.test(login.network), login.network);
  }

  #expectSum(): void {
    const raised = this.#changes().filter(({ level }) => level !== "calm");
    assert.ok(raised.length > 0);
    for (const { score, signals } of raised) {
      const sum = signals.reduce((points, signal) => points + signal.points, 0);
      assert.equal(score, Math.min(100, sum));
      assert.ok(signals.every(({ because }) => because !== ""));
    }
  }

  #changes(): readonly LevelChange[] {
    return this.#stage.changes.filter(({ account }) => account === me);
  }

  #signals(): readonly { readonly name: string; readonly points: number }[] {
    return this.#changes().flatMap(({ signals }) => signals);
  }

  #rank(account: string): number {
    return levels.indexOf(this.#stage.highest(account));
  }
}

/** Home is where the stage let the account settle: its tenth host. */
function addressOf(where: string, i: number, spread: number): string {
  if (/^[\d:.]+$/.test(where)) return where;
  if (where.endsWith("*")) return `${where.slice(0, -1)}${(i + 1).toString(16)}`;
  const networks = networksOf(where);
  return addressIn(networks[i % networks.length] ?? home, 10 + i * spread);
}
