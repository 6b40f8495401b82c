// A call of `fail2ban-client` from its words to what it prints. Who holds the jails and bans is asked through `ClientHouse`.

import {
  printAbsent,
  printBanned,
  printFixed,
  printJailBanned,
  printJailStatus,
  printNoJail,
  printOption,
  printServerOption,
  printStatus,
} from "./answer.ts";
import { type ClientCommand, parseClientCommand } from "./command.ts";
import type { JailFacts } from "./jail-facts.ts";

/** What is printed, on standard output, and the exit code. */
export interface ClientAnswer {
  readonly text: string;
  readonly exit: 0 | 255;
}

/** Bans that an answer tells: of one jail or of all, at some addresses or wherever. A jail has thousands, and most answers need none. */
export interface WantedBans {
  readonly jail: string | undefined;
  readonly addresses: readonly string[] | undefined;
}

export interface ClientHouse {
  /** All jails, in the order of the configuration, with the bans that are wanted; undefined: none. */
  readonly jails: (wanted: WantedBans | undefined) => Promise<readonly JailFacts[]>;
  /** Bans addresses in a jail; how many were not banned before. */
  readonly ban: (jail: string, addresses: readonly string[]) => Promise<number>;
  /** Without a jail in all, without addresses everything; how many bans were removed, and which addresses had none. */
  readonly unban: (
    jail: string | undefined,
    addresses: readonly string[] | undefined,
  ) => Promise<{ readonly removed: number; readonly absent: readonly string[] }>;
  /** The log was rotated: it is opened anew. */
  readonly flushLogs: () => Promise<void>;
  /** A value of `fail2ban.conf`. */
  readonly server: (option: string) => Promise<string>;
  /** Reads the configuration again. */
  readonly reload: () => Promise<void>;
}

/** Answers as Fail2ban does. What the house throws is not caught: it is no answer of a server. */
export async function callClient(words: readonly string[], house: ClientHouse): Promise<ClientAnswer> {
  const command = parseClientCommand(words);
  if (command.verb === "mistake") return { text: command.text, exit: 255 };
  const jails = needsJails(command) ? await house.jails(wantedBans(command)) : [];
  const named = "jail" in command ? command.jail : undefined;
  const jail = jails.find((one) => one.settings.name === named);
  if (named !== undefined && jail === undefined) return { text: printNoJail(named), exit: 255 };
  return jail === undefined ? answerServer(command, jails, house) : answerJail(command, jail, house);
}

function needsJails({ verb }: ClientCommand): boolean {
  return ["status", "status-all", "jail-status", "banned", "ban", "unban", "get"].includes(verb);
}

function wantedBans(command: ClientCommand): WantedBans | undefined {
  switch (command.verb) {
    case "status-all":
      return { jail: undefined, addresses: undefined };
    case "jail-status":
      return command.flavour === "short" ? undefined : { jail: command.jail, addresses: undefined };
    case "banned":
      return { jail: command.jail, addresses: command.addresses.length === 0 ? undefined : command.addresses };
    case "get":
      return command.option === "banip" ? { jail: command.jail, addresses: undefined } : undefined;
    default:
      return undefined;
  }
}

function good(text: string): ClientAnswer {
  return { text, exit: 0 };
}

async function answerServer(
  command: ClientCommand,
  jails: readonly JailFacts[],
  house: ClientHouse,
): Promise<ClientAnswer> {
  switch (command.verb) {
    case "status":
      return good(printStatus(jails.map((facts) => facts.settings.name)));
    case "status-all":
      return good(jails.map((facts) => printJailStatus(facts)).join("\n"));
    case "banned":
      return good(printBanned(jails, command.addresses));
    case "unban":
      return good(String((await house.unban(undefined, command.addresses)).removed));
    case "echo":
      return good(command.words.join(" "));
    case "get-server":
      return good(printServerOption(command.option, await house.server(command.option)));
    case "reload":
      await house.reload();
      return good(printFixed(command.verb));
    case "flushlogs":
      await house.flushLogs();
      return good(printFixed(command.verb));
    case "ping":
    case "version":
      return good(printFixed(command.verb));
    default:
      return { text: "Invalid command", exit: 255 };
  }
}

async function answerJail(command: ClientCommand, facts: JailFacts, house: ClientHouse): Promise<ClientAnswer> {
  const { name } = facts.settings;
  switch (command.verb) {
    case "jail-status":
      return good(printJailStatus(facts, command.flavour));
    case "banned":
      return good(printJailBanned(facts, command.addresses));
    case "ban":
      return good(String(await house.ban(name, command.addresses)));
    case "unban": {
      const { removed, absent } = await house.unban(name, command.addresses);
      if (command.reportAbsent && absent.length > 0) return { text: printAbsent(absent), exit: 255 };
      return good(String(removed));
    }
    case "get": {
      const answer = printOption(facts, command.option, command.words);
      return typeof answer === "string" ? good(answer) : { text: answer.text, exit: 255 };
    }
    default:
      return { text: "Invalid command", exit: 255 };
  }
}
