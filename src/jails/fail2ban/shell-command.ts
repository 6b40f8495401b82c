// The shell text of an action with its tags made into variables. What came from a log is handed to the shell as a value in its
// environment, never as text: the shell does not read a value again.

import { Problem } from "../../core/problem.ts";
import { ShellText } from "./shell-text.ts";

/** One value that the text refers to. */
export interface ShellVariable {
  /** The variable's name in the environment. */
  readonly name: string;
  /** The tag without its brackets: `ip`, `matches`, `F-USER`. */
  readonly tag: string;
  /**
   * `value` as it is; `quoted` stood between single quotes, where an awk or sed program is likely: a value with signs that mean
   * something there is handed over as its variable's name, as Fail2ban does; `number` stood in arithmetic.
   */
  readonly kind: "value" | "quoted" | "number";
}

/** To be run as `sh -c TEXT` with `shellEnvironment` in its environment. */
export interface ShellCommand {
  /** As it is written, with its tags. */
  readonly source: string;
  readonly text: string;
  readonly variables: readonly ShellVariable[];
}

/** Tags whose values are known when an action runs; `F-…` besides. */
const dynamicTags: ReadonlySet<string> = new Set([
  "ip",
  "family",
  "ip-rev",
  "ip-host",
  "fid",
  "failures",
  "time",
  "bantime",
  "bancount",
  "matches",
  "restored",
  "raw-ticket",
  "ipmatches",
  "ipjailmatches",
  "ipfailures",
  "ipjailfailures",
  "jail.name",
  "jail.banned",
  "jail.banned_total",
  "jail.found",
  "jail.found_total",
  "fq-hostname",
  "sh-hostname",
]);

/** Values of these may be empty, and then no argument stands in their place. */
const maybeEmpty = /^(?:F-.*|matches|ipmatches|ipjailmatches|ip-host|ip-rev|fid|raw-ticket)$/;

/** A value beyond this does not fit into an environment (Linux: 128 KiB a string). */
const valueLengthMax = 60_000;

/** The command of a text with tags; a Problem at `where` when a tag stands where no value can. */
export function shellCommand(text: string, where = ""): ShellCommand {
  const variables = new Map<string, ShellVariable>();
  const refer = (tag: string, kind: ShellVariable["kind"]): string => {
    const name = `f2b${kind === "value" ? "V" : kind === "quoted" ? "Q" : "N"}_${variableName(tag)}`;
    variables.set(name, { name, tag, kind });
    return name;
  };
  const plain = text.replaceAll("<br>", "\n").replaceAll("<sp>", " ");
  let written = "";
  const scanned = new ShellText();
  for (let at = 0; at < plain.length; ) {
    // Before a value a backslash means nothing; before a quotation mark of ours it would.
    if (plain[at] === "\\" && tagAt(plain, at + 1) !== undefined && scanned.place !== "single") at++;
    const tag = tagAt(plain, at);
    if (tag === undefined) {
      const step = scanned.step(plain, at);
      written += plain.slice(at, at + step);
      at += step;
      continue;
    }
    at += tag.length + 2;
    written += inPlace(tag, scanned.place, refer, where);
    scanned.sawWord();
  }
  return { source: text, text: written, variables: [...variables.values()] };
}

function variableName(tag: string): string {
  const field = /^F-(.*)$/.exec(tag)?.[1];
  return (field === undefined ? tag : `F_${field.toLowerCase()}`).replace(/\W/g, "_");
}

const tagPattern = /<([A-Za-z0-9_.-]+)>/y;

function tagAt(text: string, at: number): string | undefined {
  if (text[at] !== "<") return undefined;
  tagPattern.lastIndex = at;
  const tag = tagPattern.exec(text)?.[1];
  return tag !== undefined && (dynamicTags.has(tag) || /^F-[A-Z0-9_-]+$/.test(tag)) ? tag : undefined;
}

function inPlace(
  tag: string,
  place: ShellText["place"],
  refer: (tag: string, kind: ShellVariable["kind"]) => string,
  where: string,
): string {
  switch (place) {
    case "word": {
      const name = refer(tag, "value");
      return maybeEmpty.test(tag) ? `\${${name}:+"$${name}"}` : `"$${name}"`;
    }
    case "double":
      return `\${${refer(tag, "value")}}`;
    case "single":
      return `'"$${refer(tag, "quoted")}"'`;
    case "arithmetic":
      return `\${${refer(tag, "number")}}`;
    case "comment":
      return `(${tag})`;
    case "verbatim":
      throw new Problem(`<${tag}> stands in a here-document without expansion`, {
        code: "jails/bad-value",
        where,
        hint: "write the word that ends it without quotes",
      });
    default:
      return place satisfies never;
  }
}

/** As Fail2ban: signs that mean something to a shell, or to a program that a shell starts. */
const harmful = /[\\#&;`|*?~<>^()[\]{}$'"\n\r]/;

/** The variables of one run. A tag without a value is empty. */
export function shellEnvironment(
  command: ShellCommand,
  values: (tag: string) => string | undefined,
): Readonly<Record<string, string>> {
  const environment: Record<string, string> = {};
  for (const { name, tag, kind } of command.variables) {
    const value = (values(tag) ?? "").replaceAll("\0", "").slice(0, valueLengthMax);
    if (kind === "value") environment[name] = value;
    else if (kind === "number") environment[name] = /^-?\d+$/.test(value) ? value : "0";
    else environment[name] = harmful.test(value) ? `$f2bV_${variableName(tag)}` : value;
  }
  return environment;
}
