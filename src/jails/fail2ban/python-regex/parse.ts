// Python's regular expressions, text → tree. What the language has and V8 cannot run is told by `emit.ts`; what is no
// regular expression is told here.

import { type ClassItem, type ClassName, type Node, type PythonRegex, RegexMistake } from "./ast.ts";

/** Nested deeper than any person writes: the recursion of hostile text ends here. */
const depthMax = 100;
const lengthMax = 65_536;
const repeatMax = 65_535;

/** The tree of `source`; a RegexMistake with the construct's name when it cannot be read. */
export function parsePythonRegex(source: string): PythonRegex {
  if (source.length > lengthMax) throw new RegexMistake("a pattern that is too long", lengthMax);
  return new Parser(source).parse();
}

const controls: Readonly<Record<string, number>> = { a: 7, b: 8, f: 12, n: 10, r: 13, t: 9, v: 11 };

class Parser {
  readonly #chars: readonly string[];
  #at = 0;
  #depth = 0;
  #flags = "";
  #verbose = false;
  readonly #groups: string[] = [];
  readonly #open = new Set<string>();

  constructor(source: string) {
    this.#chars = [...source];
  }

  parse(): PythonRegex {
    const root = this.#alternatives();
    if (this.#at < this.#chars.length) this.#fail("an unbalanced parenthesis");
    return { root, flags: this.#flags, groups: this.#groups };
  }

  #fail(message: string): never {
    throw new RegexMistake(message, this.#at);
  }

  #peek(ahead = 0): string {
    return this.#chars[this.#at + ahead] ?? "";
  }

  #eat(text: string): boolean {
    for (let i = 0; i < text.length; i++) if (this.#peek(i) !== text[i]) return false;
    this.#at += text.length;
    return true;
  }

  #alternatives(): Node {
    if (++this.#depth > depthMax) this.#fail("groups nested too deeply");
    const items = [this.#sequence()];
    while (this.#eat("|")) items.push(this.#sequence());
    this.#depth--;
    return items.length === 1 && items[0] !== undefined ? items[0] : { kind: "alternatives", items };
  }

  #sequence(): Node {
    const items: Node[] = [];
    for (;;) {
      if (this.#verbose) this.#skipBlanks();
      const ch = this.#peek();
      if (ch === "" || ch === "|" || ch === ")") break;
      const atom = this.#atom(items.length === 0);
      if (atom !== undefined) items.push(this.#repeats(atom));
    }
    return items.length === 1 && items[0] !== undefined ? items[0] : { kind: "sequence", items };
  }

  #skipBlanks(): void {
    for (;;) {
      if (/^\s$/.test(this.#peek())) this.#at++;
      else if (this.#peek() === "#") while (this.#peek() !== "" && this.#peek() !== "\n") this.#at++;
      else return;
    }
  }

  #repeats(atom: Node): Node {
    const counts = this.#counts();
    if (counts === undefined) return atom;
    if (atom.kind === "at") this.#fail("a repeat with nothing to repeat");
    const how = this.#eat("?") ? "lazy" : this.#eat("+") ? "possessive" : "greedy";
    if (this.#counts() !== undefined) this.#fail("a repeat of a repeat");
    return { kind: "repeat", min: counts[0], max: counts[1], how, body: atom };
  }

  #counts(): readonly [number, number] | undefined {
    if (this.#verbose) this.#skipBlanks();
    if (this.#eat("*")) return [0, Number.POSITIVE_INFINITY];
    if (this.#eat("+")) return [1, Number.POSITIVE_INFINITY];
    if (this.#eat("?")) return [0, 1];
    if (this.#peek() !== "{") return undefined;
    // Python takes `{` as itself where no count follows.
    const found = /^\{(\d*)(,?)(\d*)\}/.exec(this.#chars.slice(this.#at, this.#at + 24).join(""));
    if (found === null || found[0] === "{}") return undefined;
    this.#at += found[0].length;
    const min = found[1] === "" ? 0 : Number(found[1]);
    const max = found[2] === "" ? min : found[3] === "" ? Number.POSITIVE_INFINITY : Number(found[3]);
    if (min > repeatMax || (max !== Number.POSITIVE_INFINITY && max > repeatMax))
      this.#fail("a repeat count that is too large");
    if (max < min) this.#fail("a repeat whose least is above its most");
    return [min, max];
  }

  #atom(first: boolean): Node | undefined {
    const ch = this.#peek();
    this.#at++;
    switch (ch) {
      case "(":
        return this.#group(first);
      case "[":
        return this.#class();
      case ".":
        return { kind: "any" };
      case "^":
      case "$":
        return { kind: "at", what: ch };
      case "\\":
        return this.#escape();
      case "*":
      case "+":
      case "?":
        this.#at--;
        return this.#fail("a repeat with nothing to repeat");
      default:
        return { kind: "char", code: ch.codePointAt(0) ?? 0 };
    }
  }

  #close(): void {
    if (!this.#eat(")")) this.#fail("a group that is not closed");
  }

  #group(first: boolean): Node | undefined {
    if (!this.#eat("?")) return this.#capture(`_${this.#groups.length + 1}`);
    if (this.#eat("P<")) return this.#capture(this.#name(">"));
    if (this.#eat("P=")) return { kind: "back", name: this.#known(this.#name(")")) };
    if (this.#eat("#")) {
      while (this.#peek() !== ")" && this.#peek() !== "") this.#at++;
      this.#close();
      return undefined;
    }
    if (this.#eat("(")) return this.#choice();
    const wrap = this.#wrapper();
    if (wrap === undefined) return this.#flagGroup(first);
    const body = this.#alternatives();
    this.#close();
    return wrap(body);
  }

  #wrapper(): ((body: Node) => Node) | undefined {
    if (this.#eat(":")) return (body) => ({ kind: "plain", body });
    if (this.#eat(">")) return (body) => ({ kind: "atomic", body });
    for (const [text, behind, negated] of looks) {
      if (this.#eat(text)) return (body) => ({ kind: "look", behind, negated, body });
    }
    return undefined;
  }

  #capture(name: string): Node {
    if (this.#groups.includes(name)) this.#fail(`the group name ${name} twice`);
    this.#groups.push(name);
    const index = this.#groups.length;
    this.#open.add(name);
    const body = this.#alternatives();
    this.#close();
    this.#open.delete(name);
    return { kind: "group", index, name, body };
  }

  #name(end: string): string {
    const start = this.#at;
    while (this.#peek() !== end && this.#peek() !== "") this.#at++;
    const name = this.#chars.slice(start, this.#at).join("");
    if (!this.#eat(end)) this.#fail("a group name that is not closed");
    if (!/^[\p{L}_][\p{L}\p{N}_]*$/u.test(name)) this.#fail(`the group name ${name}`);
    return name;
  }

  #known(name: string): string {
    const found = /^\d+$/.test(name) ? this.#groups[Number(name) - 1] : name;
    if (found === undefined || !this.#groups.includes(found))
      return this.#fail(`a reference to the unknown group ${name}`);
    if (this.#open.has(found)) this.#fail(`a reference to the open group ${name}`);
    return found;
  }

  #choice(): Node {
    const start = this.#at;
    while (this.#peek() !== ")" && this.#peek() !== "") this.#at++;
    const name = this.#chars.slice(start, this.#at).join("");
    this.#close();
    const found = /^\d+$/.test(name) ? this.#groups[Number(name) - 1] : name;
    if (found === undefined || !this.#groups.includes(found))
      return this.#fail(`a condition on the unknown group ${name}`);
    const yes = this.#sequence();
    const no = this.#eat("|") ? this.#sequence() : ({ kind: "sequence", items: [] } as const);
    if (this.#peek() === "|") this.#fail("a conditional with more than two branches");
    this.#close();
    return { kind: "choice", group: found, yes, no };
  }

  #flagGroup(first: boolean): Node | undefined {
    const start = this.#at;
    const found = /^([aiLmsux]*)(?:-([imsx]+))?([:)])/.exec(this.#chars.slice(start, start + 16).join(""));
    if (found === null) return this.#fail(`the construct (?${this.#peek()}`);
    const [all, on = "", off = "", end] = found;
    if (/[aL]/.test(on)) this.#fail(`the flag ${on.includes("a") ? "a" : "L"}`);
    this.#at += all.length;
    if (end === ")") {
      if (off !== "" || !first || this.#depth > 1 || this.#groups.length > 0)
        this.#fail("flags that do not stand at the start");
      this.#flags += on;
      this.#verbose ||= on.includes("x");
      return undefined;
    }
    const verbose = this.#verbose;
    this.#verbose = (verbose || on.includes("x")) && !off.includes("x");
    const body = this.#alternatives();
    this.#close();
    this.#verbose = verbose;
    return { kind: "flags", on: on.replace(/[ux]/g, ""), off: off.replace("x", ""), body };
  }

  #escape(): Node {
    const ch = this.#peek();
    if (ch === "") this.#fail("a backslash at the end");
    if (ch === "A" || ch === "Z" || ch === "b" || ch === "B") {
      this.#at++;
      return { kind: "at", what: ch };
    }
    const named = this.#namedClass();
    if (named !== undefined) return { kind: "class", negated: false, items: [named] };
    if (/[1-9]/.test(ch)) {
      const digits = /^\d{1,3}/.exec(this.#chars.slice(this.#at, this.#at + 3).join(""))?.[0] ?? "";
      if (/^[0-3][0-7]{2}$/.test(digits)) return { kind: "char", code: this.#code(false) };
      const number = digits.slice(0, 2);
      this.#at += number.length;
      return { kind: "back", name: this.#known(number) };
    }
    return { kind: "char", code: this.#code(false) };
  }

  #namedClass(): Extract<ClassItem, { kind: "named" }> | undefined {
    const ch = this.#peek();
    if (!/^[dDwWsS]$/.test(ch)) return undefined;
    this.#at++;
    const name = ch.toLowerCase();
    return isClassName(name) ? { kind: "named", name, negated: ch !== name } : undefined;
  }

  /** The character that an escape stands for; the backslash is eaten already. */
  #code(inClass: boolean): number {
    const rest = this.#chars.slice(this.#at, this.#at + 9).join("");
    const hex = /^(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8}))/.exec(rest);
    if (hex !== null) {
      this.#at += hex[0].length;
      const code = Number.parseInt(hex[1] ?? hex[2] ?? hex[3] ?? "", 16);
      return code <= 0x10ffff ? code : this.#fail("a character beyond Unicode");
    }
    const octal = inClass ? /^[0-7]{1,3}/.exec(rest) : /^(?:0[0-7]{0,2}|[1-3][0-7]{2})/.exec(rest);
    if (octal !== null) {
      this.#at += octal[0].length;
      return Number.parseInt(octal[0], 8);
    }
    const ch = this.#peek();
    this.#at++;
    const control = controls[ch];
    if (control !== undefined && (inClass || ch !== "b")) return control;
    if (/^[a-zA-Z0-9]$/.test(ch)) {
      this.#at--;
      this.#fail(`the escape \\${ch}`);
    }
    return ch.codePointAt(0) ?? this.#fail("a backslash at the end");
  }

  #class(): Node {
    const negated = this.#eat("^");
    const items: ClassItem[] = [];
    // A bracket that comes first is itself.
    for (let first = true; first || this.#peek() !== "]"; first = false) {
      if (this.#peek() === "") this.#fail("a class that is not closed");
      const from = this.#classItem();
      if (from.kind === "range" && this.#peek() === "-" && this.#peek(1) !== "]" && this.#peek(1) !== "") {
        this.#at++;
        const to = this.#classItem();
        if (to.kind !== "range" || to.from < from.from) return this.#fail("a bad range in a class");
        items.push({ kind: "range", from: from.from, to: to.from });
      } else items.push(from);
    }
    this.#at++;
    return { kind: "class", negated, items };
  }

  #classItem(): ClassItem {
    const ch = this.#peek();
    this.#at++;
    let code = ch.codePointAt(0) ?? 0;
    if (ch === "\\") {
      const named = this.#namedClass();
      if (named !== undefined) return named;
      code = this.#code(true);
    }
    return { kind: "range", from: code, to: code };
  }
}

const looks = [
  ["=", false, false],
  ["!", false, true],
  ["<=", true, false],
  ["<!", true, true],
] as const;

function isClassName(name: string): name is ClassName {
  return name === "d" || name === "w" || name === "s";
}
