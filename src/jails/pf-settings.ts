// What an action of a Fail2ban configuration says of pf: the table that it fills, and the file that it writes what is in it to. The
// firewall that takes its place does both.

import type { Config } from "../config/config.ts";
import { readFail2ban } from "./fail2ban-config.ts";
import { demandOwned } from "./owned-files.ts";

type Jails = Pick<Config["jails"], "fail2ban" | "firewall" | "list_file" | "mode" | "pf_table">;

const tableDefault = "postvarta";

/** pf's own limit (PF_TABLE_NAME_SIZE) less its end. */
const tablePattern = /^[A-Za-z][\w.-]{0,30}$/;

/** The table of `[jails] pf_table`, of the first action that names one, or ours. */
export function pfSettings(jails: Jails): { readonly table: string; readonly listFile: string } {
  const natives = nativesOf(jails);
  const named = natives.map(({ table = "" }) => table).find((table) => tablePattern.test(table));
  const listFile = natives.find((native) => native.listFile !== undefined)?.listFile ?? "";
  return { table: jails.pf_table || named || tableDefault, listFile };
}

/** `[jails] list_file`, or what an action writes where neither a pf of ours nor the action itself writes it. */
export function listFileOf(jails: Jails): string {
  const isWritten = jails.firewall === "pf" || jails.firewall === "command";
  if (jails.list_file !== "" || isWritten || jails.mode === "observe") return jails.list_file;
  return nativesOf(jails).find((native) => native.listFile !== undefined)?.listFile ?? "";
}

function nativesOf({ fail2ban }: Jails) {
  const actions = readFail2ban(fail2ban, demandOwned).jails.flatMap((jail) => jail.actions);
  return actions.flatMap(({ native }) => (native === undefined ? [] : [native]));
}
