// The member language, read when a rule is saved: cluebringer's, with its silent traps refused (docs/reference/member-language.md).

import type { Expression, Item, Pattern, Side } from "./expression.ts";
import { collapse, parseAddressPattern, parseHostPattern } from "./name-pattern.ts";
import { looksLikeNetwork, parseNetworkPattern } from "./network-pattern.ts";
import { isRefusal, quote, type Refusal, refuse } from "./refusal.ts";

/** A read expression with the groups it names (each once), or what is wrong and the mend. */
export type ParsedSpec =
  | {
      readonly ok: true;
      readonly expression: Expression;
      readonly warnings: readonly string[];
      readonly groups: readonly string[];
    }
  | { readonly ok: false; readonly message: string; readonly hint: string };

/** Characters of one expression; cluebringer's column holds 1024. */
const textMax = 4096;

/**
 * Reads one source, destination or group member. `any` and `null` are always, the empty text is never (with a warning).
 * Never throws; the result holds no part of the text that is not one printable line.
 */
export function parseSpec(text: string, side: Side): ParsedSpec {
  if (text.length > textMax) {
    return { ok: false, message: `longer than ${textMax} characters`, hint: "put the parts into a %group" };
  }
  const whole = text.trim();
  if (side !== "group" && isAlways(whole)) return parsed({ kind: "always" }, []);
  if (side !== "group" && whole === "") return parsed({ kind: "never" }, ["an empty text never matches: write any"]);
  const pieces = text.split(",");
  const items: Item[] = [];
  for (const piece of pieces) {
    const item = parseItem(trimBlanks(piece), side, pieces.length > 1);
    if (isRefusal(item)) return { ok: false, message: item.message, hint: item.hint };
    items.push(item);
  }
  const blanks = pieces.some((piece) => piece !== trimBlanks(piece));
  return parsed({ kind: "all", items }, blanks ? ["blanks stand around an item: cluebringer never matches this"] : []);
}

function parsed(expression: Expression, warnings: readonly string[]): ParsedSpec {
  const names =
    expression.kind === "all"
      ? expression.items.map(({ pattern }) => (pattern.kind === "group" ? pattern.name : ""))
      : [];
  return { ok: true, expression, warnings, groups: [...new Set(names)].filter((name) => name !== "") };
}

function isAlways(text: string): boolean {
  return /^(?:any|null)$/i.test(text);
}

function trimBlanks(text: string): string {
  return text.replace(/^[ \t]+|[ \t]+$/g, "");
}

function parseItem(text: string, side: Side, amongOthers: boolean): Item | Refusal {
  const bad = refuseItem(text, side, amongOthers);
  if (bad !== undefined) return bad;
  const negated = text.startsWith("!");
  const pattern = parsePattern(negated ? text.slice(1) : text, side);
  return isRefusal(pattern) ? pattern : { text, negated, pattern };
}

/** What no pattern can be made of, whatever follows. */
function refuseItem(text: string, side: Side, amongOthers: boolean): Refusal | undefined {
  if (text === "") return refuse("an item is empty", amongOthers ? "leave out the extra comma" : "remove the member");
  if (/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/.test(text))
    return refuse("a control character stands in an item", "write one printable line");
  const body = text.replace(/^[! \t]+/, "");
  if (isAlways(body)) return refuseAlways(text, body, side);
  if (/^!(?:[! \t]|$)/.test(text)) {
    return refuse(
      `${quote(text)} has nothing to negate`,
      `write one ! directly before the item: ${quote(`!${body || "item"}`)}`,
    );
  }
  return undefined;
}

function refuseAlways(text: string, body: string, side: Side): Refusal {
  if (text !== body) return refuse(`${quote(text)} would never match`, "disable or remove the member instead");
  if (side === "group")
    return refuse(
      `${quote(text)} cannot stand in a group`,
      "write any as the source or destination of a policy's member",
    );
  return refuse(`${quote(text)} stands alone or not at all`, "leave it out: the other items say enough");
}

function parsePattern(text: string, side: Side): Pattern | Refusal {
  if (text.startsWith("%")) return parseGroupPattern(text);
  const pattern = parseOwnPattern(text, side);
  if (side !== "destination" || isRefusal(pattern) || pattern.kind === "address") return pattern;
  return refuseInDestination(text, pattern);
}

function refuseInDestination(text: string, pattern: Pattern): Refusal {
  if (pattern.kind === "null-sender")
    return refuse("`@` is the empty sender, and a recipient is never empty", "put it into the source");
  const message = `${quote(text)} says nothing about the recipient`;
  if (pattern.kind === "name")
    return refuse(message, `write ${quote(`@${pattern.glob}`)} for the recipients of a domain`);
  return refuse(message, "put it into the source; a destination takes user@domain, @domain, wildcards and %group");
}

function parseOwnPattern(text: string, side: Side): Pattern | Refusal {
  if (text.startsWith("$")) return parseLoginPattern(text);
  if (text.startsWith("[") && text.endsWith("]")) return parseNetworkPattern(text.slice(1, -1), "peer");
  const word = /^([a-z]+):/i.exec(text)?.[1]?.toLowerCase() ?? "";
  if (words.has(word)) return parseWordPattern(word, text.slice(word.length + 1));
  if (text.includes("@")) return parseAddressPattern(text, side);
  if (looksLikeNetwork(text)) return parseNetworkPattern(text, "client");
  return parseHostPattern(text, "name");
}

function parseGroupPattern(text: string): Pattern | Refusal {
  const name = text.slice(1);
  return name === "" ? refuse("`%` names no group", "write %name") : { kind: "group", name };
}

function parseLoginPattern(text: string): Pattern | Refusal {
  const glob = collapse(text.slice(1).toLowerCase());
  if (glob === "") return refuse("`$` names no login", "write $login, $* for any login or $- for not logged in");
  if (glob === "-") return { kind: "no-login" };
  return glob === "*" ? { kind: "any-login" } : { kind: "login", glob };
}

/** Words before a colon; none of them is a hexadecimal number, so no IPv6 address is taken for one. */
const words: ReadonlySet<string> = new Set(["name", "ptr", "port", "context", "tls"]);

function parseWordPattern(word: string, value: string): Pattern | Refusal {
  switch (word) {
    case "name":
    case "ptr":
      return parseHostPattern(value, word);
    case "port":
      return parsePortPattern(value);
    case "context":
      if (value === "")
        return refuse("`context:` has no label", "write context:label, the policy_context of check_policy_service");
      return { kind: "context", label: value };
    default:
      if (!/^(?:yes|no)$/i.test(value))
        return refuse(`${quote(`tls:${value}`)} is not known`, "write tls:yes or tls:no");
      return { kind: "tls", on: value.toLowerCase() === "yes" };
  }
}

function parsePortPattern(value: string): Pattern | Refusal {
  const found = /^([1-9][0-9]{0,4})(?:-([1-9][0-9]{0,4}))?$/.exec(value);
  const from = Number(found?.[1]);
  const to = Number(found?.[2] ?? found?.[1]);
  if (from <= to && to <= 65_535) return { kind: "port", from, to };
  return refuse(`${quote(`port:${value}`)} is not a port`, "write port:587 or port:465-587, from 1 to 65535");
}
