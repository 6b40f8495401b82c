// From the URL in the configuration to a store.

import { existsSync } from "node:fs";
import { resolve } from "node:path";
import type { Clock } from "../core/clock.ts";
import type { Log } from "../core/log.ts";
import { Problem } from "../core/problem.ts";
import type { Store } from "./db.ts";

export interface StoreOptions {
  readonly clock: Clock;
  readonly log?: Log;
  readonly node?: string;
  readonly maxCellsInMemory?: number;
  /** For a daemon: many commits are to be expected. */
  readonly steady?: boolean;
  /** The file that a store thread starts from, for a bundle (engines/sqlite.ts). */
  readonly workerEntry?: URL;
  /** An SQLite file that is not there is a Problem `store/unusable` and not an empty store. */
  readonly mustExist?: boolean;
  /** file:line of the setting, for the message. */
  readonly where?: string;
}

/** Opens `sqlite:/path/to/file`, `postgres://user:password@host/database` or `scratch:`. Throws a Problem: store/url, store/locked, store/unusable, store/newer. */
export async function openStore(url: string, options: StoreOptions): Promise<Store> {
  const colon = url.indexOf(":");
  const rest = url.slice(colon + 1);
  switch (url.slice(0, colon)) {
    case "sqlite": {
      // Loaded when asked for: a verb that needs no store does not pay for Kysely.
      const { openSqlite } = await import("./engines/sqlite.ts");
      const path = parsePath(rest, options.where);
      if (options.mustExist === true && !existsSync(path)) throw noStore(path);
      return openSqlite({ ...options, path });
    }
    case "scratch": {
      const { openScratch } = await import("./engines/scratch.ts");
      return openScratch(options.clock);
    }
    case "postgres":
    case "postgresql": {
      const { openPostgres } = await import("./engines/postgres.ts");
      return openPostgres({ ...options, url });
    }
    default:
      // The URL itself may hold a password and is not repeated.
      throw new Problem("The store's URL is not understood", {
        code: "store/url",
        where: options.where,
        hint: allowed,
      });
  }
}

const allowed = "sqlite:/path/to/postvarta.db or postgres://user:password@host/database";

/** `sqlite:/path`, `sqlite:///path`, and for a checkout `sqlite:./path` from where the process was started. */
function parsePath(rest: string, where: string | undefined): string {
  const path = rest.startsWith("//") ? rest.slice(2) : rest;
  if (path !== "" && !path.endsWith("/") && !path.includes("\0")) return resolve(path);
  throw new Problem("The store's URL names no file", { code: "store/url", where, hint: allowed });
}

/** The file of an `sqlite:` URL. */
export function sqlitePath(url: string): string {
  return parsePath(url.slice("sqlite:".length), undefined);
}

function noStore(path: string): Problem {
  return new Problem("There is no store", { code: "store/unusable", where: path, hint: "name the file of a store" });
}
