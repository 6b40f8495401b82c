// Who is ignored by a jail. Networks, names and files are asked with every failure and answer at once: names are looked up and files
// read beside. The command is asked when a ban is due, which is when its answer matters.

import { readFile, stat } from "node:fs/promises";
import { contains, type Ip, type Network, parseIp } from "../../core/ip.ts";
import { type IgnoreRules, sortIgnored } from "./ignore-rules.ts";
import { type ShellCommand, shellEnvironment } from "./shell-command.ts";

/** The world outside, as far as a list needs it. */
export interface IgnoreSources {
  /** Addresses of a name; empty when there are none, or nobody could be asked. */
  readonly lookUp: (name: string) => Promise<readonly string[]>;
  readonly ownAddresses: () => readonly string[];
  /** Exit code of `sh -c`; undefined when it could not run or took too long. */
  readonly run: (command: ShellCommand, environment: Readonly<Record<string, string>>) => Promise<number | undefined>;
}

/** As Fail2ban. */
const namesMs = 300_000;
const filesMs = 1_000;
const ownMs = 60_000;
/** A longer file is no list of friends. */
const fileBytesMax = 1_000_000;
const namesMax = 1_000;

/** One jail's list. `refresh` is called now and then, and before the first line. */
export class IgnoreList {
  readonly #rules: IgnoreRules;
  readonly #sources: IgnoreSources;
  readonly #files = new Map<string, ReadList>();
  readonly #answers: AnswerCache | undefined;
  readonly #named = new Map<string, readonly Ip[]>();
  #own: readonly Ip[] = [];
  #isReady = false;
  #refreshing: Promise<void> | undefined;
  #namesAt = Number.NEGATIVE_INFINITY;
  #filesAt = Number.NEGATIVE_INFINITY;
  #ownAt = Number.NEGATIVE_INFINITY;

  constructor(rules: IgnoreRules, sources: IgnoreSources) {
    this.#rules = rules;
    this.#sources = sources;
    const { cache } = rules;
    this.#answers = cache === undefined ? undefined : new AnswerCache(cache.countMax, cache.maxSeconds * 1000);
  }

  /** False until names and files were looked at once: before that nobody knows whom they name. */
  get isReady(): boolean {
    const { names, files } = this.#rules;
    return this.#isReady || (names.length === 0 && files.length === 0);
  }

  /** True when `isExcused` has somebody to ask. */
  get asks(): boolean {
    return this.#rules.command !== undefined;
  }

  /** True when a ban of the address could not be wanted. */
  has(address: Ip): boolean {
    const { networks } = this.#rules;
    const inside = (network: Network) => contains(network, address);
    if (networks.some(inside) || this.#own.some((own) => isSame(own, address))) return true;
    if ([...this.#named.values()].flat().some((one) => isSame(one, address))) return true;
    return [...this.#files.values()].some((list) => list.networks.some(inside));
  }

  /** Looks up names, reads files that changed, asks the machine for its addresses: each as often as it makes sense. */
  refresh(now: number): Promise<void> {
    this.#refreshing ??= this.#look(now).finally(() => {
      this.#refreshing = undefined;
    });
    return this.#refreshing;
  }

  async #look(now: number): Promise<void> {
    if (this.#rules.self && now - this.#ownAt >= ownMs) {
      this.#ownAt = now;
      this.#own = this.#sources.ownAddresses().flatMap(parseOne);
    }
    if (now - this.#filesAt >= filesMs) {
      this.#filesAt = now;
      for (const path of this.#rules.files) await this.#readList(path);
    }
    if (now - this.#namesAt >= namesMs) {
      this.#namesAt = now;
      const names = [...this.#rules.names, ...[...this.#files.values()].flatMap((list) => list.names)];
      await this.#lookUp(names.slice(0, namesMax));
    }
    this.#isReady = true;
  }

  /** What `ignorecommand` says of one who is about to be banned; false without one. `values` are the tags of an action. */
  async isExcused(values: (tag: string) => string | undefined, now: number): Promise<boolean> {
    const { command, cache } = this.#rules;
    if (command === undefined) return false;
    const key = cache === undefined ? "" : fillKey(cache.key, values);
    const known = this.#answers?.get(key, now);
    if (known !== undefined) return known;
    const excused = (await this.#sources.run(command, shellEnvironment(command, values))) === 0;
    this.#answers?.set(key, excused, now);
    return excused;
  }

  /** A name that nobody answers for keeps its addresses: an outage of DNS must not lock its people out. */
  async #lookUp(names: readonly string[]): Promise<void> {
    for (const name of this.#named.keys()) if (!names.includes(name)) this.#named.delete(name);
    await Promise.all(
      names.map(async (name) => {
        const found = (await this.#sources.lookUp(name)).flatMap(parseOne);
        if (found.length > 0) this.#named.set(name, found);
      }),
    );
  }

  async #readList(path: string): Promise<void> {
    try {
      const { mtimeMs, size, ino } = await stat(path);
      const stamp = `${mtimeMs} ${size} ${ino}`;
      if (this.#files.get(path)?.stamp === stamp || size > fileBytesMax) return;
      const text = await readFile(path, "utf8");
      const words = text.split("\n").flatMap((line) => line.replace(/[#;].*$/, "").split(/[\s,]+/));
      this.#files.set(path, { stamp, ...sortIgnored(words.filter((word) => word !== "")) });
      this.#namesAt = Number.NEGATIVE_INFINITY;
    } catch {
      // What was read stays: a file that is just being replaced must not lock its people out.
    }
  }
}

interface ReadList {
  readonly stamp: string;
  readonly networks: readonly Network[];
  readonly names: readonly string[];
}

function parseOne(text: string): readonly Ip[] {
  const ip = parseIp(text);
  return ip === undefined ? [] : [ip];
}

function isSame(a: Ip, b: Ip): boolean {
  return a.family === b.family && a.words.every((word, i) => word === b.words[i]);
}

/** The key of `ignorecache`: a value is put in once and never read again for tags. */
function fillKey(key: string, values: (tag: string) => string | undefined): string {
  return key.replace(/<([A-Za-z0-9_.-]+)>/g, (_, tag: string) => values(tag) ?? "");
}

/** Answers that are given again for a while; the oldest go first. */
class AnswerCache {
  readonly #max: number;
  readonly #keepMs: number;
  readonly #answers = new Map<string, { readonly at: number; readonly answer: boolean }>();

  constructor(max: number, keepMs: number) {
    this.#max = max;
    this.#keepMs = keepMs;
  }

  get(key: string, now: number): boolean | undefined {
    const found = this.#answers.get(key);
    return found !== undefined && now - found.at < this.#keepMs ? found.answer : undefined;
  }

  set(key: string, answer: boolean, now: number): void {
    this.#answers.delete(key);
    this.#answers.set(key, { at: now, answer });
    const oldest = this.#answers.keys().next().value;
    if (this.#answers.size > this.#max && oldest !== undefined) this.#answers.delete(oldest);
  }
}
