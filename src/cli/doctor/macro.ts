// `$name` in Postfix's parameter values, and the splitting of values into words, as postconf(5) describes them.

/** Longest chain of `$name` in `$name`; Postfix itself stops at a loop. */
const depthMax = 20;

/** No value grows beyond this by expansion. */
const expandedCharsMax = 100_000;

export type Lookup = (name: string) => string | undefined;

/**
 * The value with `$name`, `${name}`, `$(name)`, `${name?text}`, `${name:text}` and `${{a} op {b} ? {x} : {y}}` replaced
 * (postconf(5), "main.cf file format"). Unknown names and loops give nothing.
 */
export function expandMacros(text: string, lookup: Lookup, depth = 0): string {
  if (depth > depthMax) return "";
  let out = "";
  let at = 0;
  while (at < text.length && out.length < expandedCharsMax) {
    const dollar = text.indexOf("$", at);
    if (dollar < 0) return out + text.slice(at);
    out += text.slice(at, dollar);
    const macro = readMacro(text, dollar);
    out += macro.body === undefined ? "$" : expandBody(macro.body, lookup, depth + 1);
    at = macro.end;
  }
  return out;
}

/** The names that `text` mentions directly as a plain `$name`, `${name}` or `$(name)` standing alone as a word. */
export function macroName(word: string): string | undefined {
  const match = /^\$(?:(\w+)|\{\s*(\w+)\s*\}|\(\s*(\w+)\s*\))$/.exec(word);
  return match?.[1] ?? match?.[2] ?? match?.[3];
}

/** Words separated by blanks and commas; blanks and commas inside braces belong to the word. */
export function splitWords(text: string): readonly string[] {
  return splitOutsideBraces(text, /[\s,]/);
}

/** Words separated by blanks only, as in master.cf. */
export function splitFields(text: string): readonly string[] {
  return splitOutsideBraces(text, /\s/);
}

function splitOutsideBraces(text: string, separator: RegExp): readonly string[] {
  const words: string[] = [];
  let word = "";
  let depth = 0;
  for (const ch of text) {
    if (ch === "{") depth++;
    if (ch === "}") depth = Math.max(0, depth - 1);
    if (depth > 0 || !separator.test(ch)) word += ch;
    else if (word !== "") {
      words.push(word);
      word = "";
    }
  }
  return word === "" ? words : [...words, word];
}

/** The macro that begins with the `$` at `dollar`; `$$` and a lone `$` have no body and stand for `$`. */
function readMacro(text: string, dollar: number): { readonly body: string | undefined; readonly end: number } {
  const open = text[dollar + 1];
  if (open === "$") return { body: undefined, end: dollar + 2 };
  if (open === "{" || open === "(") {
    const end = closing(text, dollar + 1);
    return { body: text.slice(dollar + 2, end - 1), end };
  }
  const name = /^\w+/.exec(text.slice(dollar + 1));
  return name === null ? { body: undefined, end: dollar + 1 } : { body: name[0], end: dollar + 1 + name[0].length };
}

/** The index behind the bracket that closes the one at `open`; the text's end when nothing closes it. */
function closing(text: string, open: number): number {
  const [up, down] = text[open] === "(" ? ["(", ")"] : ["{", "}"];
  let depth = 0;
  for (let at = open; at < text.length; at++) {
    if (text[at] === up) depth++;
    if (text[at] === down && --depth === 0) return at + 1;
  }
  return text.length + 1;
}

function expandBody(body: string, lookup: Lookup, depth: number): string {
  const inner = body.trim();
  if (inner.startsWith("{")) return expandMacros(compared(inner, lookup, depth), lookup, depth);
  const match = /^(\w+)\s*(?:([?:])\s*([\s\S]*))?$/.exec(inner);
  if (match === null) return "";
  const [, name = "", operator, rest = ""] = match;
  const value = expandMacros(lookup(name) ?? "", lookup, depth);
  if (operator === undefined) return value;
  const { yes, no } = branches(rest);
  if (operator === "?") return expandMacros(value === "" ? no : yes, lookup, depth);
  return value === "" ? expandMacros(yes, lookup, depth) : "";
}

/** `{yes}:{no}`, `{yes}`, or bare text up to the end. */
function branches(text: string): { readonly yes: string; readonly no: string } {
  if (!text.startsWith("{")) return { yes: text, no: "" };
  const end = closing(text, 0);
  const rest = text.slice(end).trim().replace(/^:\s*/, "");
  return { yes: text.slice(1, end - 1).trim(), no: unbraced(rest) };
}

function unbraced(text: string): string {
  return text.startsWith("{") ? text.slice(1, closing(text, 0) - 1).trim() : text;
}

/** The branch that `{a} op {b} ? {yes} : {no}` chooses, unexpanded. */
function compared(text: string, lookup: Lookup, depth: number): string {
  const leftEnd = closing(text, 0);
  const match = /^\s*(==|!=|<=|>=|<|>)\s*(level)?\s*(?=\{)/.exec(text.slice(leftEnd));
  if (match === null) return "";
  const rightStart = leftEnd + match[0].length;
  const rightEnd = closing(text, rightStart);
  const left = expandMacros(text.slice(1, leftEnd - 1), lookup, depth).trim();
  const right = expandMacros(text.slice(rightStart + 1, rightEnd - 1), lookup, depth).trim();
  const order = match[2] === "level" ? byLevel(left, right) : byValue(left, right);
  const { yes, no } = branches(
    text
      .slice(rightEnd)
      .trim()
      .replace(/^\?\s*/, ""),
  );
  return holds(match[1] ?? "", order) ? yes : no;
}

function holds(operator: string, order: number): boolean {
  switch (operator) {
    case "==":
      return order === 0;
    case "!=":
      return order !== 0;
    case "<":
      return order < 0;
    case "<=":
      return order <= 0;
    case ">":
      return order > 0;
    default:
      return order >= 0;
  }
}

/** Numbers by size, anything else as text (postconf(5)). */
function byValue(left: string, right: string): number {
  if (/^\d+$/.test(left) && /^\d+$/.test(right)) return Number(left) - Number(right);
  return left === right ? 0 : left < right ? -1 : 1;
}

/** Dotted numbers part by part: compatibility levels and versions; a missing part is 0. */
export function byLevel(left: string, right: string): number {
  const [a, b] = [left.split("."), right.split(".")];
  for (let part = 0; part < 3; part++) {
    const difference = (Number.parseInt(a[part] ?? "0", 10) || 0) - (Number.parseInt(b[part] ?? "0", 10) || 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
