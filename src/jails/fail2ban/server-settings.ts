// What `fail2ban.conf` says of the server itself, as far as anybody here asks: where its database is and how long it keeps bans.

import { readConfigFiles } from "./config-files.ts";
import { parseSeconds } from "./time-expression.ts";

export interface ServerSettings {
  readonly loglevel: string;
  readonly logtarget: string;
  readonly syslogsocket: string;
  /** Undefined: Fail2ban keeps no database. */
  readonly dbfile: string | undefined;
  readonly dbpurgeageSeconds: number;
  /** Lines of one ban that its database keeps. */
  readonly dbmaxmatches: number;
}

const dayS = 86_400;

/** A Problem when the file is there and is not of its language; Fail2ban's defaults where it says nothing. */
export function readServerSettings(directory: string): ServerSettings {
  const tree = readConfigFiles(directory, "fail2ban");
  if (!tree.has("Definition")) tree.add(new Map([["Definition", new Map()]]));
  const find = (option: string, otherwise: string) => tree.find("Definition", option) ?? otherwise;
  const dbfile = find("dbfile", "/var/lib/fail2ban/fail2ban.sqlite3");
  const dbmaxmatches = Number(find("dbmaxmatches", "10"));
  return {
    loglevel: find("loglevel", "INFO"),
    logtarget: find("logtarget", "/var/log/fail2ban.log"),
    syslogsocket: find("syslogsocket", "auto"),
    dbfile: /^none$/i.test(dbfile) ? undefined : dbfile,
    dbpurgeageSeconds: parseSeconds(find("dbpurgeage", "1d")) ?? dayS,
    dbmaxmatches: Number.isInteger(dbmaxmatches) && dbmaxmatches >= 0 ? dbmaxmatches : 10,
  };
}
