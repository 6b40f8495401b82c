// Sections as they came together from several files, and `%(name)s` inside their values.

import { Problem } from "../../core/problem.ts";
import type { IniSection, IniValue } from "./ini.ts";

/** As configparser: a value that refers further than this refers to itself. */
const depthMax = 10;
/** Values that double at each step end here. */
const lengthMax = 1_000_000;

export type Options = ReadonlyMap<string, string>;

/** Sections and options; a value is read with everything it refers to put in. */
export class ConfigTree {
  readonly #defaults: IniSection = new Map();
  readonly #sections = new Map<string, IniSection>();
  /** What the last override of an option replaced, for `%(known/…)s`. */
  readonly #known = new Map<string, IniSection>();

  /** Puts the sections of one file over those that are there. */
  add(sections: ReadonlyMap<string, IniSection>): this {
    for (const [header, options] of sections) {
      if (header === "DEFAULT") {
        for (const [name, value] of options) this.#defaults.set(name, value);
        continue;
      }
      const condition = /^(\w+)(\?.+)$/.exec(header);
      this.#merge(condition?.[1] ?? header, options, condition?.[2] ?? "");
    }
    return this;
  }

  #merge(section: string, options: IniSection, condition: string): void {
    const there = getOrAdd(this.#sections, section);
    for (const [plain, value] of options) {
      const name = plain + condition;
      const before = there.get(name);
      if (before !== undefined) getOrAdd(this.#known, section).set(name, before);
      there.set(name, value);
    }
  }

  /** Values that a filter gives to its jail, as `%(known/…)s`. */
  addKnown(section: string, options: Options): void {
    const known = getOrAdd(this.#known, section);
    for (const [name, text] of options) known.set(name, { text: text.replaceAll("%", "%%"), where: "" });
  }

  /** Values that every section sees unless a file says otherwise. */
  addDefaults(values: Readonly<Record<string, string>>): this {
    for (const [name, text] of Object.entries(values)) {
      if (!this.#defaults.has(name)) this.#defaults.set(name, { text, where: "" });
    }
    return this;
  }

  get sections(): readonly string[] {
    return [...this.#sections.keys()].filter((name) => name !== "INCLUDES");
  }

  has(section: string): boolean {
    return this.#sections.has(section);
  }

  /** The names of a section's own options, without the defaults. */
  names(section: string): readonly string[] {
    return [...(this.#sections.get(section)?.keys() ?? [])];
  }

  defaultNames(): readonly string[] {
    return [...this.#defaults.keys()];
  }

  where(section: string, option: string): string | undefined {
    return (this.#sections.get(section)?.get(option) ?? this.#defaults.get(option))?.where;
  }

  /** The value with everything put in; undefined when neither the section nor the defaults have it. */
  find(section: string, option: string, vars: Options = new Map()): string | undefined {
    const name = option.toLowerCase();
    const given = vars.get(name);
    const own = this.#sections.get(section)?.get(name) ?? (this.has(section) ? this.#defaults.get(name) : undefined);
    const raw = given ?? own?.text;
    if (raw === undefined) return undefined;
    return this.#expand(raw, { section, option: name, vars, where: own?.where }, 1);
  }

  /** A tag's value: `section/option`, `known/option`, `default/option` or an option of `section`. */
  findTag(section: string, tag: string, vars: Options): string | undefined {
    const named = /^([\w-]+)\/([^\s>]+)$/.exec(tag);
    if (named?.[1] !== undefined && named[2] !== undefined) {
      const found = this.#findNamed(section, named[1], named[2]);
      if (found !== undefined) return found;
    }
    return this.find(section, tag, vars);
  }

  #findNamed(section: string, other: string, option: string): string | undefined {
    const word = other.toLowerCase();
    if (word === "default") {
      const value = this.#defaults.get(option.toLowerCase());
      return value && this.#expand(value.text, { section: "DEFAULT", option, vars: new Map(), where: value.where }, 1);
    }
    if (word !== "known") return this.find(other, option);
    const known = this.#known.get(section)?.get(option.toLowerCase());
    if (known === undefined) return this.find(section, option);
    return this.#expand(known.text, { section, option, vars: new Map(), where: known.where }, 1);
  }

  #expand(raw: string, place: Place, depth: number): string {
    if (!raw.includes("%")) return raw;
    if (depth > depthMax) throw mistake(place, "refers to itself, or too deeply");
    let text = "";
    for (let at = 0; at < raw.length; ) {
      const next = raw.indexOf("%", at);
      if (next < 0) return text + raw.slice(at);
      text += raw.slice(at, next);
      if (raw[next + 1] === "%") {
        text += "%";
        at = next + 2;
        continue;
      }
      const end = raw.indexOf(")s", next);
      const name = raw[next + 1] === "(" && end >= 0 ? raw.slice(next + 2, end) : "";
      if (name === "" || name.includes(")")) throw mistake(place, "has a % that is neither %% nor %(name)s");
      text += this.#expand(this.#refer(name, place), place, depth + 1);
      if (text.length > lengthMax) throw mistake(place, "grows without end");
      at = end + 2;
    }
    return text;
  }

  /** The text that `%(name)s` stands for, not yet expanded. */
  #refer(written: string, place: Place): string {
    const name = written.toLowerCase();
    const own = this.#sections.get(place.section);
    const direct = place.vars.get(name) ?? (own?.get(name) ?? this.#defaults.get(name))?.text;
    if (direct !== undefined) return direct;
    if (name === "__name__") return place.section;
    const found = this.#referNamed(written, place.section);
    if (found === undefined) throw mistake(place, `refers to ${written}, which is set nowhere`);
    return found.text;
  }

  #referNamed(written: string, section: string): IniValue | undefined {
    const cut = written.indexOf("/");
    if (cut <= 0) return undefined;
    const other = written.slice(0, cut);
    const option = written.slice(cut + 1).toLowerCase();
    const word = other.toLowerCase();
    if (word === "default") return this.#defaults.get(option);
    if (word !== "known" && !this.#sections.has(other)) return undefined;
    const from = word === "known" ? this.#known.get(section) : this.#sections.get(other);
    return from?.get(option) ?? this.#defaults.get(option);
  }
}

interface Place {
  readonly section: string;
  readonly option: string;
  readonly vars: Options;
  readonly where: string | undefined;
}

function mistake(place: Place, what: string): Problem {
  const where = place.where ?? place.section;
  return new Problem(`the value of ${place.option} ${what}`, { code: "jails/bad-value", where });
}

function getOrAdd(map: Map<string, IniSection>, key: string): IniSection {
  const found = map.get(key) ?? new Map();
  map.set(key, found);
  return found;
}
