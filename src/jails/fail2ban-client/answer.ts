// The answers of `fail2ban-client`, to the letter: scripts and dashboards read them. Shown text of a log or a file is the
// caller's to make safe for a terminal.

import { imitatedVersion } from "../fail2ban/jail-reader.ts";
import type { ClientMistake } from "./command.ts";
import type { BanFact, JailFacts } from "./jail-facts.ts";

/** What never depends on a jail. */
export function printFixed(verb: "ping" | "version" | "flushlogs" | "reload"): string {
  switch (verb) {
    case "ping":
      return "Server replied: pong";
    case "version":
      return imitatedVersion;
    case "flushlogs":
      return "logs: rolled over";
    case "reload":
      return "OK";
    default:
      return verb satisfies never;
  }
}

/** What is printed where no jail has the name. */
export function printNoJail(jail: string): string {
  return `Sorry but the jail '${jail}' does not exist`;
}

/** `unbanip --report-absent` of addresses that are not banned. */
export function printAbsent(addresses: readonly string[]): string {
  return `not banned: ${pythonList(addresses)}`;
}

/** `status`. */
export function printStatus(jails: readonly string[]): string {
  return ["Status", `|- Number of jail:\t${jails.length}`, `\`- Jail list:\t${jails.join(", ")}`].join("\n");
}

/** `status JAIL`. */
export function printJailStatus(facts: JailFacts, flavour: "basic" | "short" = "basic"): string {
  const { settings, files, banned } = facts;
  const journal = settings.backend.startsWith("systemd");
  const source = journal
    ? `Journal matches:\t${settings.journalmatch.map((words) => words.join(" ")).join(" + ")}`
    : `File list:\t${files.join(" ")}`;
  const lines = [
    `Status for the jail: ${settings.name}`,
    "|- Filter",
    `|  |- Currently failed:\t${facts.failedNow}`,
    `|  |- Total failed:\t${facts.failedTotal}`,
    `|  \`- ${source}`,
    "`- Actions",
    `   |- Currently banned:\t${facts.bannedNow}`,
  ];
  if (flavour === "short") return [...lines, `   \`- Total banned:\t${facts.bannedTotal}`].join("\n");
  const list = banned.map((ban) => ban.address).join(" ");
  return [...lines, `   |- Total banned:\t${facts.bannedTotal}`, `   \`- Banned IP list:\t${list}`].join("\n");
}

/** `banned`: who is banned in which jail; with addresses, in which jails each of them is. */
export function printBanned(jails: readonly JailFacts[], addresses: readonly string[]): string {
  const has = (facts: JailFacts, address: string) => facts.banned.some((ban) => ban.address === address);
  if (addresses.length === 0) {
    const each = jails.map((facts) => {
      const list = pythonList(facts.banned.map((ban) => ban.address));
      return `{${pythonText(facts.settings.name)}: ${list}}`;
    });
    return `[${each.join(", ")}]`;
  }
  const each = addresses.map((address) =>
    pythonList(jails.filter((facts) => has(facts, address)).map((facts) => facts.settings.name)),
  );
  return `[${each.join(", ")}]`;
}

/** `get JAIL banned`: the list; 1 or 0 for one address, a list of them for several. */
export function printJailBanned({ banned }: JailFacts, addresses: readonly string[]): string {
  const all = banned.map((ban) => ban.address);
  if (addresses.length === 0) return pythonList(all);
  const found = addresses.map((address) => (all.includes(address) ? 1 : 0));
  return found.length === 1 ? String(found[0]) : `[${found.join(", ")}]`;
}

/** `get JAIL OPTION`; a mistake where there is no such option. */
export function printOption(facts: JailFacts, option: string, words: readonly string[]): string | ClientMistake {
  const { settings } = facts;
  switch (option) {
    case "logencoding":
      return `Current log encoding is set to:\n${settings.plain["logencoding"]}`;
    case "logpath":
      return tree(facts.files, "Current monitored log file(s):", "No file is currently monitored");
    case "journalmatch":
      if (settings.journalmatch.length === 0) return "No journal match filter set";
      return `Current match filter:\n${settings.journalmatch.map((match) => match.join(" ")).join(" + ")}`;
    case "ignoreip":
      return tree(settings.ignoreip, "These IP addresses/networks are ignored:", "No IP address/network is ignored");
    case "failregex":
    case "ignoreregex": {
      const numbered = settings[option].map((regex, index) => `[${index}]: ${regex}`);
      return tree(numbered, "The following regular expression are defined:", "No regular expression is defined");
    }
    case "prefregex":
      return settings.prefregex;
    case "datepattern":
      return `Current date pattern set to: ${settings.datepattern.join("\n") || "Default Detectors"}`;
    case "banip":
      return printBanList(facts.banned, words[0]);
    case "actions":
      return printActions(facts);
    case "action":
    case "actionproperties":
      return printAction(facts, option, words);
    default:
      return settings.plain[option] ?? invalid;
  }
}

const invalid: ClientMistake = {
  verb: "mistake",
  text: "Invalid command (no get action or not yet implemented)",
};

function tree(list: readonly string[], head: string, empty: string): string {
  if (list.length === 0) return empty;
  return [head, ...list.map((text, index) => `${index === list.length - 1 ? "`-" : "|-"} ${text}`)].join("\n");
}

/** By the end of each ban, with its times when they are asked for. */
function printBanList(banned: readonly BanFact[], how: string | undefined): string {
  const end = (ban: BanFact) => (ban.seconds < 0 ? Number.POSITIVE_INFINITY : ban.from + ban.seconds);
  const sorted = banned.toSorted((a, b) => Math.sign(end(a) - end(b)) || 0);
  if (how !== "--with-time") return sorted.map((ban) => ban.address).join(how ?? " ");
  return sorted
    .map((ban) => `${ban.address} \t${localTime(ban.from)} + ${ban.seconds} = ${localTime(end(ban))}`)
    .join("\n");
}

/** `2026-11-24 14:41:33` in the system's zone; Fail2ban's last day where there is no end. */
function localTime(seconds: number): string {
  if (!Number.isFinite(seconds)) return "9999-12-31 23:59:59";
  const at = new Date(seconds * 1000);
  const two = (value: number) => String(value).padStart(2, "0");
  const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  return `${day} ${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
}

function printActions({ settings }: JailFacts): string {
  if (settings.actions.length === 0) return `No actions for jail ${settings.name}`;
  const names = settings.actions.map((action) => action.name).join(", ");
  return `The jail ${settings.name} has the following actions:\n${names}`;
}

function printAction({ settings }: JailFacts, option: string, [name = "", property]: readonly string[]) {
  const action = settings.actions.find((one) => one.name === name);
  if (action === undefined) return { verb: "mistake", text: `Invalid Action name: ${name}` } as const;
  if (option === "action") return action.properties[property ?? ""] ?? invalid;
  const names = Object.keys(action.properties).sort().join(", ");
  return `The jail ${settings.name} action ${name} has the following properties:\n${names}`;
}

/** `get loglevel` and its like. */
export function printServerOption(option: string, value: string): string {
  switch (option) {
    case "loglevel":
      return `Current logging level is ${pythonText(value)}`;
    case "logtarget":
      return `Current logging target is:\n\`- ${value}`;
    case "syslogsocket":
      return `Current syslog socket is:\n\`- ${value}`;
    case "dbfile":
      return `Current database file is:\n\`- ${value}`;
    case "dbpurgeage":
      return `Current database purge age is:\n\`- ${value}seconds`;
    default:
      return value;
  }
}

function pythonList(list: readonly string[]): string {
  return `[${list.map(pythonText).join(", ")}]`;
}

/** A text as Python prints it within a list. */
function pythonText(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  const escaped = text.replace(/[\\\n\r\t]/g, (sign) => ({ "\\": "\\\\", "\n": "\\n", "\r": "\\r" })[sign] ?? "\\t");
  return quote + (quote === "'" ? escaped.replaceAll("'", "\\'") : escaped) + quote;
}
