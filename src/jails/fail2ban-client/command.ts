// The command line of `fail2ban-client` as scripts and dashboards call it: words → what is asked. What it asks to be changed in a
// running jail is refused: the files say how a jail is.

/** How much `status JAIL` tells. */
type Flavour = "basic" | "short";

export type ClientCommand =
  | { readonly verb: "ping" | "version" | "status" | "status-all" | "flushlogs" | "reload" }
  | { readonly verb: "echo"; readonly words: readonly string[] }
  | { readonly verb: "jail-status"; readonly jail: string; readonly flavour: Flavour }
  /** Without addresses: all bans of all jails, or of one. */
  | { readonly verb: "banned"; readonly jail: string | undefined; readonly addresses: readonly string[] }
  | { readonly verb: "ban"; readonly jail: string; readonly addresses: readonly string[] }
  | {
      readonly verb: "unban";
      /** Undefined: in all jails. */
      readonly jail: string | undefined;
      /** Undefined: everything. */
      readonly addresses: readonly string[] | undefined;
      /** An address that is not banned is a mistake. */
      readonly reportAbsent: boolean;
    }
  | { readonly verb: "get-server"; readonly option: string }
  | { readonly verb: "get"; readonly jail: string; readonly option: string; readonly words: readonly string[] };

/** A command that is none, or that is not done here: what `fail2ban-client` prints, with exit code 255. */
export interface ClientMistake {
  readonly verb: "mistake";
  readonly text: string;
}

/** No command has so many words. */
const wordsMax = 10_000;
const serverOptions = ["loglevel", "logtarget", "syslogsocket", "dbfile", "dbmaxmatches", "dbpurgeage"];

/** What the words after `fail2ban-client` and its options ask. */
export function parseClientCommand(words: readonly string[]): ClientCommand | ClientMistake {
  const [verb, ...rest] = words.slice(0, wordsMax);
  switch (verb) {
    case "ping":
    case "version":
    case "flushlogs":
    case "reload":
      return { verb };
    case "echo":
      return { verb, words: rest };
    case "status":
      return parseStatus(rest);
    case "banned":
      return { verb, jail: undefined, addresses: rest };
    case "unban":
      return parseUnban(rest);
    case "get":
      return parseGet(rest);
    case "set":
      return parseSet(rest);
    default:
      return mistake("Invalid command");
  }
}

function mistake(text: string): ClientMistake {
  return { verb: "mistake", text };
}

function parseStatus([jail, flavour]: readonly string[]): ClientCommand {
  if (jail === undefined) return { verb: "status" };
  if (jail === "--all") return { verb: "status-all" };
  return { verb: "jail-status", jail, flavour: flavour === "short" ? "short" : "basic" };
}

function parseUnban(rest: readonly string[]): ClientCommand | ClientMistake {
  if (rest.length === 0) return mistake("Invalid command");
  const all = rest.length === 1 && rest[0] === "--all";
  return { verb: "unban", jail: undefined, addresses: all ? undefined : rest, reportAbsent: false };
}

function parseGet([jail, option, ...words]: readonly string[]): ClientCommand | ClientMistake {
  if (jail === undefined) return mistake("Invalid command");
  if (option === undefined) {
    if (serverOptions.includes(jail)) return { verb: "get-server", option: jail };
    return mistake("Invalid command (no get action or not yet implemented)");
  }
  if (option === "banned") return { verb: "banned", jail, addresses: words };
  return { verb: "get", jail, option, words };
}

function parseSet([jail, option, ...words]: readonly string[]): ClientCommand | ClientMistake {
  if (jail === undefined || option === undefined) return mistake("Invalid command");
  if (option === "banip" && words.length > 0) return { verb: "ban", jail, addresses: words };
  const reportAbsent = words[0] === "--report-absent";
  const addresses = reportAbsent ? words.slice(1) : words;
  if (option === "unbanip" && addresses.length > 0) return { verb: "unban", jail, addresses, reportAbsent };
  return mistake(`Invalid command (${option} is set in the configuration's files, and read at a start)`);
}
