// Options that every verb takes, before or after its name.

import { type Command, Option } from "commander";

export interface GlobalOptions {
  readonly config?: string;
  readonly socket?: string;
  readonly json?: boolean;
  readonly color?: boolean;
}

/** flags, what they say, and whether a value follows: the dispatcher must know where a verb's name may stand. */
const options: readonly (readonly [flags: string, help: string])[] = [
  ["--config <file>", "the configuration file (default: /etc/postvarta/postvarta.toml)"],
  ["--socket <path>", "the daemon's control socket (default: as configured)"],
  ["--json", "print JSON"],
  ["--no-color", "no colour, also with NO_COLOR or when not on a terminal"],
];

/** Gives a verb the global options that it does not have, and its sub-verbs too. */
export function addGlobalOptions(command: Command): void {
  for (const [flags, help] of options) {
    const option = new Option(flags, help);
    if (!command.options.some(({ long }) => long === option.long)) command.addOption(option);
  }
  for (const inner of command.commands) addGlobalOptions(inner);
}

/** Of arguments, the global options that stand before the verb, and the rest that begins with it. */
export function splitGlobals(args: readonly string[]): {
  readonly before: readonly string[];
  readonly rest: readonly string[];
} {
  let at = 0;
  while (at < args.length) {
    const arg = args[at] ?? "";
    const name = arg.split("=")[0];
    const [flags] = options.find(([text]) => text.split(" ")[0] === name) ?? [];
    if (flags === undefined && arg !== "--dry-run") break;
    at += flags?.includes("<") === true && !arg.includes("=") ? 2 : 1;
  }
  return { before: args.slice(0, at), rest: args.slice(at) };
}
