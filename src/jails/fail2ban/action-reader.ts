// One action of a jail: its file in `action.d` and the jail's parameters → shell commands for each family of addresses.

import { type ActionFamily, type ActionOperation, actionOperations } from "../../core/action-operation.ts";
import { Problem } from "../../core/problem.ts";
import { readConfigFiles, type SeeFile } from "./config-files.ts";
import { type Definition, readDefinition } from "./definition-reader.ts";
import type { Options } from "./interpolation.ts";
import { type NativeBan, recogniseNativeBan } from "./native-ban.ts";
import type { NamedWithParameters } from "./parameters.ts";
import { type ShellCommand, shellCommand } from "./shell-command.ts";
import { conditionalNames, replaceTags } from "./tags.ts";
import { parseSeconds } from "./time-expression.ts";

const families: readonly ActionFamily[] = ["inet4", "inet6"];

/** What an action does for one family; an operation that the file leaves out, or empty, is not there. */
export type ActionCommands = Readonly<Partial<Record<ActionOperation, ShellCommand>>>;

export interface JailAction {
  /** Unique within the jail. */
  readonly name: string;
  /** The file in `action.d`, without its end. */
  readonly file: string;
  readonly where: string;
  /** Options and parameters with tags as they stand, in the order that Fail2ban hands them to its server. */
  readonly settings: ReadonlyMap<string, string>;
  readonly commands: Readonly<Record<ActionFamily, ActionCommands>>;
  /** The families have commands of their own; otherwise `start`, `stop` and `flush` run once for both. */
  readonly perFamily: boolean;
  /** `start` runs before the first ban of a family, not with the jail. */
  readonly startOnDemand: boolean;
  readonly repairOnUnban: boolean;
  /** Bans that come from the store at a start do not run this action. */
  readonly notForRestored: boolean;
  readonly timeoutSeconds: number;
  /** What the commands come to where a firewall of ours can do it without them. */
  readonly native: NativeBan | undefined;
  readonly warnings: readonly Problem[];
}

export interface ActionPlace {
  readonly directory: string;
  readonly jail: string;
  /** The jail's own options. */
  readonly options: Options;
  /** file:line of the jail's `action`. */
  readonly where: string;
  readonly sees?: SeeFile | undefined;
}

const flags = ["actionstart_on_demand", "actionrepair_on_unban", "norestored"];
const definitionOptions = [...actionOperations.map((operation) => `action${operation}`), ...flags];
/** As Fail2ban: what these stand for is known when an action runs. */
const keptTags = ["matches", "ipmatches", "ipjailmatches", "timeout", "bantime"];
const timeoutSecondsDefault = 60;

/** Reads one action; a Problem with the place when it cannot run. */
export function readAction({ name: file, parameters }: NamedWithParameters, place: ActionPlace): JailAction {
  if (file.endsWith(".py")) {
    throw new Problem(`the action ${file} is a program in Python`, {
      code: "jails/bad-value",
      where: place.where,
      hint: "use an action of shell commands",
    });
  }
  const given = new Map([...parameters].map(([option, value]) => [option.toLowerCase(), value]));
  const name = nameAction(file, place.jail, given);
  const tree = readConfigFiles(place.directory, `action.d/${file}`, place.sees);
  const definition = readDefinition({ tree, parameters: given, jail: place.options, options: definitionOptions });
  const where = (option: string) =>
    tree.where("Definition", option) ?? tree.where("Init", option) ?? `${place.directory}/action.d/${file}.conf`;
  const settings = combine(definition, where("actionban"));
  const maker = new CommandMaker(settings, where);
  const commands = { inet4: maker.commands("inet4"), inet6: maker.commands("inet6") };
  const perFamily = [...settings.keys()].some((option) => /\?family=/.test(option));
  const onDemand = settings.get("actionstart_on_demand");
  return {
    name,
    file,
    where: where("actionban"),
    settings,
    commands,
    perFamily,
    startOnDemand: onDemand === undefined ? perFamily : isTrue(onDemand),
    repairOnUnban: isTrue(settings.get("actionrepair_on_unban")),
    notForRestored: isTrue(settings.get("norestored")),
    timeoutSeconds: parseSeconds(settings.get("timeout") ?? "") ?? timeoutSecondsDefault,
    native: recogniseNativeBan({ inet4: maker.texts("inet4"), inet6: maker.texts("inet6") }),
    warnings: maker.warnings,
  };
}

function isTrue(text: string | undefined): boolean {
  return /^(?:1|on|true|yes)$/i.test(text ?? "");
}

/** The jail's name is the action's `name` unless said otherwise; two of one file in a jail differ by it. */
function nameAction(file: string, jail: string, given: Map<string, string>): string {
  const own = given.get("name") ?? jail;
  given.set("name", own);
  const suffix = own === jail ? "" : own.startsWith(jail) ? own.slice(jail.length) : `-${own}`;
  const name = given.get("actname") ?? file + suffix;
  given.set("actname", name);
  return name;
}

/** Options of the file with their tags put in, then what was given, with its tags as they stand. */
function combine({ own, given, find }: Definition, where: string): Map<string, string> {
  const all = new Map([...own, ...given]);
  const ignore = new Set([...conditionalNames(all.keys()), ...keptTags]);
  const replaced = replaceTags(all, { ignore, find, where });
  const settings = new Map<string, string>();
  for (const [option, value] of replaced) if (definitionOptions.includes(option)) settings.set(option, value);
  for (const [option, value] of given) {
    if (!definitionOptions.includes(option) && !option.startsWith("known/")) settings.set(option, value);
  }
  return settings;
}

/** Makes the commands of one action, family by family. */
class CommandMaker {
  readonly #settings: ReadonlyMap<string, string>;
  readonly #where: (option: string) => string;
  readonly #texts = new Map<ActionFamily, ReadonlyMap<string, string>>();
  readonly warnings: Problem[] = [];

  constructor(settings: ReadonlyMap<string, string>, where: (option: string) => string) {
    this.#settings = settings;
    this.#where = where;
    for (const family of families) this.#texts.set(family, this.#resolve(family));
  }

  /** The text of every operation with all but the tags of run time put in. */
  texts(family: ActionFamily): ReadonlyMap<string, string> {
    return this.#texts.get(family) ?? new Map();
  }

  commands(family: ActionFamily): ActionCommands {
    const commands: Partial<Record<ActionOperation, ShellCommand>> = {};
    for (const operation of actionOperations) {
      const text = this.texts(family).get(operation) ?? "";
      if (text.trim() !== "") commands[operation] = shellCommand(text, this.#where(`action${operation}`));
    }
    return commands;
  }

  #resolve(family: ActionFamily): ReadonlyMap<string, string> {
    const absent = [...actionOperations.map((operation) => `action${operation}`)].map(
      (option) => [option, ""] as const,
    );
    const options = new Map([...absent, ["timeout", String(timeoutSecondsDefault)] as const, ...this.#settings]);
    options.delete("bantime");
    const replaced = replaceTags(options, {
      ignore: new Set(keptTags.filter((tag) => tag !== "timeout")),
      condition: `family=${family}`,
      find: () => undefined,
      where: this.#where("actionban"),
    });
    const texts = new Map<string, string>();
    for (const operation of actionOperations) {
      const text = replaced.get(`action${operation}`) ?? "";
      texts.set(operation, family === "inet6" ? this.#widen(operation, text) : text);
    }
    return texts;
  }

  /** `<ip>/32` was written for IPv4: of an IPv6 address it would be a network of 2^96 strangers. */
  #widen(operation: ActionOperation, text: string): string {
    if (!/<ip>\/32(?!\d)/.test(text)) return text;
    if (operation === "ban") {
      this.warnings.push(
        new Problem("<ip>/32 is a whole network where the address is IPv6; it is run as <ip>/128", {
          code: "jails/warning",
          where: this.#where("actionban"),
          hint: "write <ip> alone",
        }),
      );
    }
    return text.replace(/<ip>\/32(?!\d)/g, "<ip>/128");
  }
}
