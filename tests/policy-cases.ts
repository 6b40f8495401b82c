// Acceptance cases of the policy server as data: reads tests/cases/policy/*.txt. The form is told at the head of each file.

import { readFileSync } from "node:fs";

/** One case: rules as a policies file, and steps. */
export interface PolicyCase {
  readonly title: string;
  /** Lines before the first table: settings of `[policy]`. */
  readonly answerOk: boolean;
  readonly rules: string;
  readonly steps: readonly string[];
}

/** One row of matching.txt. */
export interface MatchCase {
  readonly title: string;
  readonly rules: string;
  readonly request: Readonly<Record<string, string>>;
  readonly expected: string;
}

export function readPolicyCases(name: string): readonly PolicyCase[] {
  return blocksOf(name).map(({ title, lines }) => {
    const divider = lines.indexOf("---");
    const answerOk = lines[0] === "answer_ok = true";
    const steps = lines.slice(divider + 1).filter((line) => line !== "");
    return { title, answerOk, rules: lines.slice(answerOk ? 1 : 0, divider).join("\n"), steps };
  });
}

export function readMatchCases(): readonly MatchCase[] {
  return blocksOf("matching.txt").flatMap(({ title, lines }) => {
    const groups = lines.flatMap(groupOf).join("\n");
    return lines.filter((line) => line.includes(" | ")).map((line) => matchCaseOf(title, groups, line));
  });
}

function matchCaseOf(title: string, groups: string, line: string): MatchCase {
  const [source = "", destination = "", changes = "", expected = ""] = line.split("|").map((cell) => cell.trim());
  const sides = [sideOf("source", source), sideOf("destination", destination)].filter((side) => side !== "");
  const policy = `[[policies]]\nname = "p"\npriority = 10\nmembers = [{ ${sides.join(", ")} }]\n`;
  const access = `[[policies.access]]\nverdict = "reject"\ntext = "hit"\n`;
  return { title: `${title}: ${line}`, rules: groups + policy + access, request: readAttributes(changes), expected };
}

function sideOf(name: string, text: string): string {
  if (text === "(null)") return "";
  return `${name} = ${JSON.stringify(text === "(empty)" ? "" : text)}`;
}

function groupOf(line: string): readonly string[] {
  const found = /^(group|disabled) (\S+) =\s*(.*)$/.exec(line);
  if (found === null) return [];
  const members = (found[3] ?? "").split(" ").filter((member) => member !== "");
  const enabled = found[1] === "group";
  return [`[[groups]]\nname = "${found[2]}"\nenabled = ${enabled}\nmembers = ${JSON.stringify(members)}\n`];
}

/** `name=value name=value`; an empty value is allowed. */
export function readAttributes(text: string): Record<string, string> {
  const pairs = text.split(" ").filter((pair) => pair.includes("="));
  return Object.fromEntries(pairs.map((pair) => [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)]));
}

function blocksOf(name: string): readonly { readonly title: string; readonly lines: readonly string[] }[] {
  const text = readFileSync(new URL(`cases/policy/${name}`, import.meta.url), "utf8");
  return text
    .split(/\n(?=# )/)
    .slice(1)
    .map((block) => {
      const [title = "", ...lines] = block.trimEnd().split("\n");
      return { title: title.slice(2), lines };
    });
}
