// A template: the words of one kind of notice as an operator wrote them, with places for what is known. The first line is the title,
// the second is empty, the rest is the body.

import { nearest } from "../core/nearest.ts";
import type { NoticeKind } from "../core/notice.ts";
import { Problem } from "../core/problem.ts";
import { texts } from "./texts.ts";

export interface Template {
  readonly title: string;
  /** Lines with LF. */
  readonly body: string;
}

/** A line is a few hundred characters, and a message a page. */
const textMax = 65_536;
const placeholder = /\{\{|\}\}|\{([^{}\n]*)\}?/g;

const judged = ["level", "score", "networks", "countries", "because", "addresses", "next"];
const acted = ["reason", "steps", "by", "next"];
const ofKind: Partial<Readonly<Record<NoticeKind, readonly string[]>>> = {
  account_notice: judged,
  account_watch: judged,
  account_high: judged,
  account_calm: judged,
  account_contained: acted,
  account_released: acted,
  watch_breaker: ["count", "account", "limit"],
};

/** What a template of this kind may name: what the notice is about, when, and its facts. */
export function placeholdersOf(kind: NoticeKind): readonly string[] {
  return ["subject", "time", ...(ofKind[kind] ?? Object.keys(texts.en.labels))];
}

/** Facts for a test, each told by its own name. */
export function sampleFacts(kind: NoticeKind): Readonly<Record<string, string>> {
  const names = placeholdersOf(kind).filter((name) => name !== "subject" && name !== "time");
  return Object.fromEntries(names.map((name) => [name, `(${name})`]));
}

/** Reads a template; every mistake as a Problem with `file:line`. */
export function parseTemplate(text: string, file: string, kind: NoticeKind): Template | readonly Problem[] {
  if (text.length > textMax) return [bad(`${file}:1`, "the template is too long", `at most ${textMax} characters`)];
  const lines = text
    .replace(/^\uFEFF/, "")
    .replaceAll("\r\n", "\n")
    .split("\n");
  const problems = lines.flatMap((line, i) => mistakesOf(line, `${file}:${i + 1}`, kind));
  const [title = "", gap = "", ...body] = lines;
  if (title.trim() === "") problems.unshift(bad(`${file}:1`, "the template has no title", "its first line"));
  else if (gap.trim() !== "")
    problems.unshift(bad(`${file}:2`, "no empty line stands behind the title", "an empty line"));
  return problems.length > 0 ? problems : { title: title.trim(), body: body.join("\n").trimEnd() };
}

/** Values go in as they are. A line all of whose places are empty is left out. */
export function fillTemplate({ title, body }: Template, values: Readonly<Record<string, string>>): Template {
  const lines = body.split("\n").flatMap((line) => fillLine(line, values) ?? []);
  const oneLine = Object.fromEntries(Object.entries(values).map(([name, value]) => [name, value.replace(/\s+/g, " ")]));
  return { title: fillLine(title, oneLine) ?? "", body: lines.join("\n") };
}

function fillLine(line: string, values: Readonly<Record<string, string>>): string | undefined {
  let places = 0;
  let filled = 0;
  const text = line.replace(placeholder, (whole, name: string | undefined) => {
    if (name === undefined) return whole.charAt(0);
    const value = Object.hasOwn(values, name) ? (values[name] ?? "") : "";
    places++;
    if (value !== "") filled++;
    return value;
  });
  return places > 0 && filled === 0 ? undefined : text;
}

function mistakesOf(line: string, where: string, kind: NoticeKind): Problem[] {
  const known = placeholdersOf(kind);
  return [...line.matchAll(placeholder)].flatMap(([whole, name]) => {
    if (name === undefined || (known.includes(name) && whole.endsWith("}"))) return [];
    if (!whole.endsWith("}"))
      return [bad(where, `the placeholder ${whole} has no end`, "a } behind it, or {{ for a brace")];
    const near = nearest(name, known);
    const hint = near === undefined ? `known for ${kind}: ${known.join(", ")}` : `did you mean {${near}}?`;
    return [bad(where, `unknown placeholder ${whole}`, hint)];
  });
}

function bad(where: string, message: string, hint: string): Problem {
  return new Problem(message, { code: "config/bad-value", where, hint });
}
