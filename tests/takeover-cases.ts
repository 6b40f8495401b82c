// Acceptance cases of stolen accounts as data: reads tests/cases/takeover/*.txt. The form is told at the head of each file.

import { readFileSync } from "node:fs";
import { parseDuration } from "../src/core/duration.ts";

/** One block: `# number title`, then its lines. */
export interface TakeoverCase {
  readonly number: number;
  readonly title: string;
  readonly lines: readonly string[];
}

export function readTakeoverCases(name: string): readonly TakeoverCase[] {
  const text = readFileSync(new URL(`cases/takeover/${name}`, import.meta.url), "utf8");
  return text
    .split(/\n(?=# )/)
    .slice(1)
    .map((block) => {
      const [head = "", ...lines] = block.trimEnd().split("\n");
      const number = Number(/^# (\d+) /.exec(head)?.[1]);
      if (!Number.isInteger(number)) throw new Error(`${name}: a case without a number: ${head}`);
      return { number, title: `case ${head.slice(2)}`, lines: lines.filter((line) => line !== "") };
    });
}

/** `20m` in milliseconds. */
export function readSpan(text: string): number {
  const ms = parseDuration(text);
  if (ms === undefined) throw new Error(`a time that is none: ${text}`);
  return ms;
}

/** `10-14` as its numbers. */
export function readRange(text: string): readonly number[] {
  const [from = "", to = from] = text.split("-");
  return Array.from({ length: Number(to) - Number(from) + 1 }, (_, i) => Number(from) + i);
}
