// A small site of invented people and intruders for the judge, on its stage: the same seed, the same story. Small on purpose: it
// says whether the judge keeps its promises on stories that it was not tuned on, and no more.

import { type Level, levels } from "../src/accounts/account-history.ts";
import type { LevelChange } from "../src/accounts/judge.ts";
import {
  addressIn,
  dayMs,
  home,
  hosting,
  hourMs,
  JudgeStage,
  mailCloud,
  otherHome,
} from "../src/accounts/judge-stage.ts";
import { randomOf } from "./random.ts";

const days = 24;
const people = 60;
/** Every tenth is taken over. */
const takenEach = 10;
/** Attacks begin on these days. */
const attackDays = [10, 20] as const;

const profiles = ["home", "mobile", "traveller", "vpn", "fetcher", "device", "newsletter"] as const;
const attacks = ["burst", "slow_botnet", "rented_server", "stuffing", "domestic_proxy", "tests_then_burst"] as const;

type Profile = (typeof profiles)[number];
type Attack = (typeof attacks)[number];

interface Person {
  readonly name: string;
  readonly profile: Profile;
  /** 0 to 8: which network is home. */
  readonly home: number;
  /** A journey of six days to two countries. */
  readonly journey: readonly [from: number, country: number, other: number] | undefined;
  readonly attack: { readonly kind: Attack; readonly from: number } | undefined;
}

interface Act {
  readonly at: number;
  run(stage: JudgeStage): void;
}

export interface SiteResult {
  readonly taken: number;
  readonly accountDays: number;
  falseAlarms(level: Level): number;
  /** Attacks that the level missed. */
  missed(level: Level): readonly string[];
}

class Site {
  readonly #random: () => number;
  readonly stage = new JudgeStage();
  readonly #begin = this.stage.now;
  readonly #acts: Act[] = [];
  readonly people: Person[] = [];

  constructor(seed: number) {
    this.#random = randomOf(seed);
    for (let i = 0; i < people; i++) this.people.push(this.#person(i));
    for (const person of this.people) {
      for (let day = 0; day < days; day++) this.#live(person, day);
      if (person.attack !== undefined) this.#attack(person, person.attack.kind, person.attack.from);
    }
  }

  play(): void {
    this.#acts.sort((a, b) => a.at - b.at);
    for (const act of this.#acts) {
      this.stage.now = act.at;
      act.run(this.stage);
    }
    this.stage.judge.due(this.#begin + (days + 1) * dayMs);
  }

  #person(i: number): Person {
    const profile = profiles[i % profiles.length] ?? "home";
    const from = this.#begin + this.#int(attackDays[0], attackDays[1]) * dayMs + this.#int(0, 23) * hourMs;
    const isTaken = i % takenEach === takenEach - 1;
    return {
      name: `p${i}@poshta.example`,
      profile,
      home: this.#int(0, 8),
      journey: profile === "traveller" ? [this.#int(8, 16), this.#int(1, 3), this.#int(4, 6)] : undefined,
      attack: isTaken ? { kind: attacks[Math.floor(i / takenEach) % attacks.length] ?? "burst", from } : undefined,
    };
  }

  #live(person: Person, day: number): void {
    for (let i = this.#int(2, 5); i > 0; i--) {
      const at = this.#begin + day * dayMs + this.#int(0, 11) * hourMs + this.#int(0, 3_599) * 1_000;
      const ip = this.#placeOf(person, day);
      const isLetter = person.profile === "newsletter" && i === 1;
      const recipients = isLetter ? this.#int(40, 90) : this.#int(1, 3);
      const bounced = isLetter ? this.#int(0, 2) : Number(this.#random() < 0.01);
      this.#acts.push({ at, run: (stage) => stage.send(person.name, ip, { recipients, bounced }) });
    }
  }

  #placeOf({ profile, home: at, journey }: Person, day: number): string {
    const chance = this.#random();
    if (profile === "device") return addressIn(hosting, 7 + at);
    if (journey !== undefined && day >= journey[0] && day < journey[0] + 6) {
      if (chance < 0.3) return addressIn(otherHome(9), this.#int(0, 4_000));
      return addressIn(day < journey[0] + 4 ? journey[1] : journey[2], this.#int(0, 200));
    }
    if (profile === "vpn" && chance < 0.5) return addressIn(210, this.#int(0, 30) * 256);
    if (profile === "fetcher" && chance < 0.6) return addressIn(mailCloud, this.#int(0, 9_000));
    if (profile === "mobile" && chance < 0.6) return addressIn(otherHome(9), this.#int(0, 9_000));
    if (chance < 0.02) return addressIn(otherHome(this.#int(0, 8)), this.#int(0, 200));
    return addressIn(at === 0 ? home : otherHome(at), 10);
  }

  #attack({ name }: Person, kind: Attack, from: number): void {
    const span = kind === "slow_botnet" || kind === "domestic_proxy" ? 4 * dayMs : 8 * hourMs;
    const messages = kind === "slow_botnet" ? 50 : 40;
    const rented = addressIn(211, this.#int(0, 60_000));
    if (kind === "stuffing") {
      for (let i = 0; i < 30; i++) {
        const victim = this.people[this.#int(0, people - 1)]?.name ?? name;
        const at = from - this.#int(1, 60) * 60_000;
        this.#acts.push({ at, run: (stage) => stage.fail(victim, rented) });
      }
    }
    for (let i = 0; i < messages; i++) {
      const ip = this.#intruderAt(kind, i, rented);
      const recipients = this.#int(1, kind === "slow_botnet" ? 3 : 10);
      const bounced = Array.from({ length: recipients }, () => this.#random()).filter((chance) => chance < 0.2).length;
      const at = from + Math.floor((i / messages) * span);
      const mail = { recipients, bounced, size: 4_000 + (i % 5), method: "LOGIN" };
      this.#acts.push({ at, run: (stage) => stage.send(name, ip, mail) });
    }
  }

  #intruderAt(kind: Attack, i: number, rented: string): string {
    if (kind === "rented_server" || (kind === "stuffing" && i === 0)) return rented;
    if (kind === "domestic_proxy") return addressIn(otherHome(this.#int(0, 8)), this.#int(300, 60_000));
    return addressIn(this.#int(7, 79), this.#int(0, 60_000));
  }

  #int(low: number, high: number): number {
    return low + Math.floor(this.#random() * (high - low + 1));
  }
}

/** Plays the site of `seed`, and tells what the judge made of it. */
export function playSite(seed: number): SiteResult {
  const site = new Site(seed);
  site.play();
  const missed = (level: Level) => {
    const alarms = alarmsOf(site.stage.changes, level);
    return site.people.flatMap(({ name, attack }) => {
      if (attack === undefined) return [];
      const isFound = alarms.get(name)?.some((at) => at >= attack.from && at < attack.from + 5 * dayMs);
      return isFound ? [] : [`seed ${seed} ${name} ${attack.kind}`];
    });
  };
  const falseAlarms = (level: Level) => {
    const alarms = alarmsOf(site.stage.changes, level);
    const counts = site.people.map(({ name, attack }) => {
      const until = attack?.from ?? Number.POSITIVE_INFINITY;
      return (alarms.get(name) ?? []).filter((at) => at < until).length;
    });
    return counts.reduce((sum, count) => sum + count, 0);
  };
  const taken = site.people.filter(({ attack }) => attack !== undefined).length;
  return { taken, accountDays: people * days, missed, falseAlarms };
}

/** When each account rose to `level` or above. */
function alarmsOf(changes: readonly LevelChange[], level: Level): ReadonlyMap<string, readonly number[]> {
  const found = new Map<string, number[]>();
  const raised = new Set<string>();
  for (const { account, at, level: reached } of changes) {
    const isOn = levels.indexOf(reached) >= levels.indexOf(level);
    if (isOn && !raised.has(account)) found.set(account, [...(found.get(account) ?? []), at]);
    if (isOn) raised.add(account);
    else raised.delete(account);
  }
  return found;
}
