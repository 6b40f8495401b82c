// The firewall of commands over a folder of its own, with an action that keeps a file of addresses.

import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ActionValues, RunAction } from "../src/core/action.ts";
import { type Block, blockKey, type FirewallChange } from "../src/core/firewall.ts";
import { lineLog } from "../src/core/log.ts";
import { readActionBook } from "../src/jails/action-book.ts";
import { type BlockMemory, CommandFirewall } from "../src/jails/firewalls/command.ts";
import { ShellActions } from "../src/jails/shell-actions.ts";
import { block } from "./contracts/firewall.ts";

export const folder = mkdtempSync(join(tmpdir(), "postvarta-command-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
let places = 0;

/** Fills a file, one address a line, and knows whether it is there. */
const table = (file: string) => `[Definition]
actionstart = test ! -e ${file} && : > ${file}
actionstop = rm -f ${file}
actioncheck = test -f ${file}
actionban = test -f ${file} && grep -qxF -e <ip> ${file} || echo <ip> >> ${file}
actionunban = grep -vxF -e <ip> ${file} > ${file}.left; mv ${file}.left ${file}
`;

const values: ActionValues = {
  ...{ failures: "4", time: "1700000000", bantime: "3600", bancount: "1", restored: "0", matches: "a line" },
  ...{ ipmatches: "", ipjailmatches: "", ipfailures: "4", ipjailfailures: "4" },
};

interface Given {
  /** Files of `action.d` by name. */
  readonly actions?: Readonly<Record<string, string>>;
  /** `action =` of the jail sasl. */
  readonly action?: string;
  /** `[jails] action`. */
  readonly other?: string;
  readonly values?: Partial<ActionValues>;
  readonly budgetMs?: number;
  readonly glanceMs?: number;
  readonly memory?: BlockMemory;
  /** In the place of a shell. */
  readonly run?: RunAction;
}

export function create(place = join(folder, `${++places}`), given: Given = {}) {
  const file = join(place, "set");
  for (const name of ["filter.d", "action.d"]) mkdirSync(join(place, name), { recursive: true });
  const actions = { table: table(file), ...given.actions };
  for (const [name, text] of Object.entries(actions)) writeFileSync(join(place, "action.d", `${name}.conf`), text);
  writeFileSync(join(place, "filter.d", "sasl.conf"), "[Definition]\nfailregex = failed <HOST>\n");
  writeFileSync(
    join(place, "jail.conf"),
    `[sasl]\nenabled = true\nfilter = sasl\nlogpath = ${file}\naction = ${given.action ?? "table"}\n`,
  );
  const jails = { fail2ban: place, firewall: "command" as const, action: given.other ?? "" };
  const shell = new ShellActions();
  const lines: string[] = [];
  const firewall = new CommandFirewall({
    readBook: () => {
      const book = readActionBook(jails);
      shell.use(book);
      return book;
    },
    run: given.run ?? shell.run,
    hurry: () => shell.stop(),
    valuesOf: async (_, restored) => ({ ...values, restored: restored ? "1" : "0", ...given.values }),
    log: lineLog({ level: "warn", journald: true, write: (line) => void lines.push(line) }),
    glanceMs: given.glanceMs ?? 200,
    ...(given.budgetMs === undefined ? {} : { budgetMs: given.budgetMs }),
    ...(given.memory === undefined ? {} : { memory: given.memory }),
  });
  const held = () => (existsSync(file) ? readFileSync(file, "utf8").split("\n").slice(0, -1) : []);
  return { firewall, place, file, held, lines };
}

/** What a store would keep over a restart. */
export function memory(): BlockMemory {
  const kept = new Map<string, Block>();
  return {
    read: async () => [...kept.values()],
    add: async (blocks) => {
      for (const one of blocks) kept.set(blockKey(one), one);
    },
    remove: async (blocks) => {
      for (const one of blocks) kept.delete(blockKey(one));
    },
  };
}

export const read = (file: string) => (existsSync(file) ? readFileSync(file, "utf8") : "");

export const sasl = (address: string): Block => ({ ...block(address), jail: "sasl" });
export const adding = (...adds: readonly Block[]): FirewallChange => ({ adds, renewals: [], deletes: [] });
