// Is a Fail2ban configuration read as Fail2ban reads it? Compares our reading with the stream of commands that Fail2ban's own reader
// makes of the same directory (a JSON list of lists, all jails forced on): value by value, actions included.
//
//   node bench/fail2ban-config.ts --config-dir DIR --stream FILE

import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { type JailDefinition, readJails } from "../src/jails/fail2ban/jail-reader.ts";
import { parseSeconds } from "../src/jails/fail2ban/time-expression.ts";

type Command = readonly unknown[];

/** What the stream says of one jail: `option` or `action/NAME/option` → values in order. */
type Wanted = Map<string, unknown[]>;

const { values } = parseArgs({
  options: { "config-dir": { type: "string" }, stream: { type: "string" }, quiet: { type: "boolean" } },
});
const directory = values["config-dir"];
if (directory === undefined || values.stream === undefined) {
  process.stderr.write("usage: node bench/fail2ban-config.ts --config-dir DIR --stream FILE\n");
  process.exit(2);
}

const wanted = readStream(JSON.parse(readFileSync(values.stream, "utf8")));
const { jails, problems } = readJails(directory, { all: true });
const differences: string[] = [];
const explained: string[] = [];
let compared = 0;
let actionValues = 0;
for (const [name, want] of wanted) {
  const jail = jails.find((one) => one.name === name);
  if (jail === undefined) {
    differences.push(`[${name}] is not read: ${problems.find((one) => one.line.includes(name))?.line ?? ""}`);
    continue;
  }
  const got = describe(jail);
  for (const option of new Set([...want.keys(), ...got.keys()])) {
    compared++;
    if (option.startsWith("action/")) actionValues++;
    const [left, right] = [got.get(option), want.get(option)].map((value) => JSON.stringify(value ?? []));
    if (left === right) continue;
    const why = explain(jail, option, String(right));
    const text = `[${name}] ${option}\n    ours ${left}\n    its  ${right}`;
    if (why === undefined) differences.push(text);
    else explained.push(`${text}\n    ${why}`);
  }
}
for (const jail of jails) if (!wanted.has(jail.name)) differences.push(`[${jail.name}] is not in the stream`);
for (const problem of problems) process.stdout.write(`cannot run: ${problem.line}\n`);
for (const difference of explained) process.stdout.write(`otherwise, and why: ${difference}\n`);
for (const difference of differences) process.stdout.write(`differs: ${difference}\n`);
process.stdout.write(
  `${wanted.size} jails, ${compared} values (${actionValues} of actions) compared, ${differences.length} differ, ${explained.length} explained\n`,
);
process.exitCode = differences.length === 0 ? 0 : 1;

/** Fail2ban before 1.1.1 let an action's [Init?family=inet6] win over a parameter that the jail gives for all families. */
function explain(jail: JailDefinition, option: string, its: string): string | undefined {
  const [, name, setting = ""] = option.split("/");
  const settings = jail.actions.find((action) => action.name === name)?.settings;
  const named = /^([\w.-]+)\?family=/.exec(setting)?.[1] ?? /<([\w.-]+)>"\]$/.exec(its)?.[1];
  const plain = named !== undefined && settings?.has(named) && !settings.has(`${named}?family=inet6`);
  return plain ? `the jail's ${named} goes for both families, as in Fail2ban since 1.1.1` : undefined;
}

function readStream(stream: readonly Command[]): Map<string, Wanted> {
  const found = new Map<string, Wanted>();
  for (const command of stream) {
    const [verb, jail, option, ...rest] = command;
    if (verb === "add") found.set(String(jail), new Map([["backend", [option]]]));
    const want = found.get(String(jail));
    if (want === undefined || (verb !== "set" && verb !== "multi-set")) continue;
    if (option === "action") wantAction(want, verb, rest);
    else if (option === "addjournalmatch") push(want, "addjournalmatch", [rest]);
    else if (option === "addlogpath") continue;
    else if (verb === "multi-set") push(want, String(option), [...(rest[0] as unknown[])]);
    else
      push(
        want,
        String(option),
        rest.flatMap((value) => normal(String(option), value)),
      );
  }
  return found;
}

function wantAction(want: Wanted, verb: unknown, [name, ...rest]: readonly unknown[]): void {
  const pairs = verb === "multi-set" ? (rest[0] as (readonly unknown[])[]) : [rest];
  for (const [option, value] of pairs) push(want, `action/${String(name)}/${String(option)}`, [normalFlag(value)]);
}

function push(want: Wanted, option: string, list: readonly unknown[]): void {
  want.set(option, [...(want.get(option) ?? []), ...list]);
}

/** Spans as seconds, patterns as lists: the stream has the text, we have the meaning. */
function normal(option: string, value: unknown): unknown {
  if (option === "findtime" || option === "bantime") return parseSeconds(String(value)) ?? value;
  if (option === "datepattern") return String(value).split("\n");
  return value;
}

function normalFlag(value: unknown): string {
  const text = String(value);
  return /^(?:true|yes|on|1)$/i.test(text) ? "true" : /^(?:false|no|off|0)$/i.test(text) ? "false" : text;
}

function describe(jail: JailDefinition): Wanted {
  const { filter } = jail;
  const said = new Map<string, unknown[]>([
    ["backend", [jail.backend]],
    ["prefregex", filter.prefregex === "" ? [] : [filter.prefregex]],
    ["addfailregex", [...filter.failregex]],
    ["addignoreregex", [...filter.ignoreregex]],
    ["datepattern", [...filter.datepattern]],
    ["addjournalmatch", [...filter.journalmatch]],
    ["usedns", [filter.usedns]],
    ["maxretry", [jail.maxretry]],
    ["maxmatches", [jail.maxmatches]],
    ["findtime", [jail.findtimeSeconds]],
    ["bantime", [jail.bantimeSeconds]],
    ["ignorecommand", [jail.ignore.command?.source ?? ""]],
    ["logencoding", [jail.logencoding]],
    ["addaction", jail.actions.map((action) => action.name)],
  ]);
  if (filter.options.has("maxlines")) said.set("maxlines", [filter.maxlines]);
  for (const action of jail.actions) {
    for (const [option, value] of action.settings) {
      said.set(`action/${action.name}/${option}`, [normalFlag(value)]);
    }
  }
  for (const [option, list] of said) if (list.length === 0) said.delete(option);
  return said;
}
