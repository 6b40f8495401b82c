// Spans of time as Fail2ban's files have them (`10m`, `1d 12h`, `2*3600`, `-1`) and the sums of bantime formulas. Read by a parser
// of our own: text of a file is never run.

/** Seconds a unit. `m` and `M` are minutes; months and years are the mean ones. */
const units: readonly (readonly [RegExp, number])[] = [
  [/^(?:seconds?|sec|ss?)$/, 1],
  [/^(?:minutes?|min|mm?)$/, 60],
  [/^(?:hours?|hou|hh?)$/, 3600],
  [/^(?:days?|da|dd?)$/, 86_400],
  [/^(?:weeks?|wee|ww?)$/, 604_800],
  [/^(?:months?|mon?)$/, 2_629_800],
  [/^(?:years?|yea|yy?)$/, 31_557_600],
];

const depthMax = 50;
const lengthMax = 1000;

/** Names that a formula may use, in lower case: numbers and functions. */
export interface FormulaNames {
  readonly values: Readonly<Record<string, number>>;
  readonly functions: Readonly<Record<string, (...args: number[]) => number>>;
}

/** Seconds; undefined when the text is no span of time. */
export function parseSeconds(text: string): number | undefined {
  return evaluate(text, undefined);
}

const pick: FormulaNames["functions"] = {
  "math.exp": Math.exp,
  "math.log": Math.log,
  "math.sqrt": Math.sqrt,
  "math.pow": (a = 0, b = 0) => a ** b,
  "math.floor": Math.floor,
  "math.ceil": Math.ceil,
  min: Math.min,
  max: Math.max,
  abs: Math.abs,
  int: Math.trunc,
  float: (a = 0) => a,
  round: (a = 0) => Math.round(a),
};

export interface BantimeFacts {
  /** Seconds: the jail's bantime, or the last one of this id. */
  readonly time: number;
  /** Earlier bans. */
  readonly count: number;
  readonly factor: number;
}

/** The value of a `bantime.formula`; undefined when it cannot be understood or names what there is not. */
export function evaluateFormula(formula: string, facts: BantimeFacts): number | undefined {
  const { time, count, factor } = facts;
  const values = {
    "ban.time": time,
    "ban.count": count,
    banfactor: factor,
    "math.e": Math.E,
    "math.pi": Math.PI,
  };
  return evaluate(formula, { values, functions: pick });
}

function evaluate(text: string, names: FormulaNames | undefined): number | undefined {
  if (text.length > lengthMax) return undefined;
  const tokens = tokenize(text, names === undefined ? spanTokens : formulaTokens);
  if (tokens === undefined || tokens.length === 0) return undefined;
  const value = new Calculator(tokens, names).value();
  return value !== undefined && Number.isFinite(value) ? value : undefined;
}

const number = String.raw`\d+(?:\.\d*)?(?:e[+-]?\d+)?|\.\d+`;
const signs = String.raw`\*\*|<<|>>|\/\/|<=|>=|==|!=|[-+*/%(),<>]`;
/** A unit ends where a number begins (`1d12h`); a name may hold digits and points. */
const spanTokens = String.raw`\s*(${number}|[A-Za-z]+|${signs})`;
const formulaTokens = String.raw`\s*(${number}|[A-Za-z_][\w.]*|${signs})`;

function tokenize(text: string, source: string): string[] | undefined {
  const tokens: string[] = [];
  const pattern = new RegExp(source, "y");
  const trimmed = text.trimEnd();
  while (pattern.lastIndex < trimmed.length) {
    const found = pattern.exec(trimmed);
    if (found?.[1] === undefined) return undefined;
    tokens.push(found[1]);
  }
  return tokens;
}

class Mistake extends Error {}

/** Python's precedence: if-else, comparison, shift, sum, product, sign, power. */
class Calculator {
  readonly #tokens: readonly string[];
  readonly #names: FormulaNames | undefined;
  #at = 0;
  #depth = 0;

  constructor(tokens: readonly string[], names: FormulaNames | undefined) {
    this.#tokens = tokens;
    this.#names = names;
  }

  value(): number | undefined {
    try {
      const value = this.#choice();
      return this.#at === this.#tokens.length ? value : undefined;
    } catch (error) {
      if (error instanceof Mistake) return undefined;
      throw error;
    }
  }

  #eat(token: string): boolean {
    if (this.#tokens[this.#at] !== token) return false;
    this.#at++;
    return true;
  }

  #eatOne(tokens: readonly string[]): string | undefined {
    return tokens.find((token) => this.#eat(token));
  }

  #choice(): number {
    if (++this.#depth > depthMax) throw new Mistake();
    const value = this.#comparison();
    if (this.#eat("if")) {
      const condition = this.#comparison();
      if (!this.#eat("else")) throw new Mistake();
      const other = this.#choice();
      this.#depth--;
      return condition !== 0 ? value : other;
    }
    this.#depth--;
    return value;
  }

  #comparison(): number {
    const left = this.#shift();
    const operator = this.#eatOne(["<", ">", "<=", ">=", "==", "!="]);
    if (operator === undefined) return left;
    const right = this.#shift();
    const results: Readonly<Record<string, boolean>> = {
      "<": left < right,
      ">": left > right,
      "<=": left <= right,
      ">=": left >= right,
      "==": left === right,
      "!=": left !== right,
    };
    return results[operator] ? 1 : 0;
  }

  #shift(): number {
    let value = this.#sum();
    for (let operator = this.#eatOne(["<<", ">>"]); operator !== undefined; operator = this.#eatOne(["<<", ">>"])) {
      const by = this.#sum();
      if (by < 0 || !Number.isInteger(by) || !Number.isInteger(value)) throw new Mistake();
      value = operator === "<<" ? value * 2 ** by : Math.floor(value / 2 ** by);
    }
    return value;
  }

  #sum(): number {
    let value = this.#product();
    for (let operator = this.#eatOne(["+", "-"]); operator !== undefined; operator = this.#eatOne(["+", "-"])) {
      const other = this.#product();
      value = operator === "+" ? value + other : value - other;
    }
    return value;
  }

  #product(): number {
    let value = this.#sign();
    const operators = ["*", "/", "//", "%"];
    for (let operator = this.#eatOne(operators); operator !== undefined; operator = this.#eatOne(operators)) {
      const other = this.#sign();
      if (operator !== "*" && other === 0) throw new Mistake();
      if (operator === "*") value *= other;
      else if (operator === "%") value -= Math.floor(value / other) * other;
      else value = operator === "//" ? Math.floor(value / other) : value / other;
    }
    return value;
  }

  #sign(): number {
    if (++this.#depth > depthMax) throw new Mistake();
    const value = this.#eat("-") ? -this.#sign() : this.#eat("+") ? this.#sign() : this.#power();
    this.#depth--;
    return value;
  }

  #power(): number {
    const base = this.#spans();
    return this.#eat("**") ? base ** this.#sign() : base;
  }

  /** `1d 12h`: spans side by side are a sum. */
  #spans(): number {
    let value = this.#atom();
    if (this.#names !== undefined) return value;
    while (/^[\d.]/.test(this.#tokens[this.#at] ?? "")) value += this.#atom();
    return value;
  }

  #atom(): number {
    const token = this.#tokens[this.#at++] ?? "";
    if (token === "(") {
      const value = this.#choice();
      if (!this.#eat(")")) throw new Mistake();
      return value;
    }
    if (/^[\d.]/.test(token)) return Number(token) * this.#unit();
    const name = token.toLowerCase();
    const value = this.#names?.values[name];
    if (value !== undefined) return value;
    const call = this.#names?.functions[name];
    if (call === undefined || !this.#eat("(")) throw new Mistake();
    return call(...this.#arguments());
  }

  #arguments(): number[] {
    const list: number[] = [];
    while (!this.#eat(")")) {
      list.push(this.#choice());
      if (!this.#eat(",") && this.#tokens[this.#at] !== ")") throw new Mistake();
    }
    return list;
  }

  #unit(): number {
    const word = this.#tokens[this.#at]?.toLowerCase() ?? "";
    if (this.#names !== undefined || !/^[a-z]+$/.test(word)) return 1;
    const found = units.find(([pattern]) => pattern.test(word));
    if (found === undefined) throw new Mistake();
    this.#at++;
    return found[1];
  }
}
