// From a `postgres://` URL to what a connection needs, and to a name that may be shown. The URL holds a password and is never repeated.

import { readFileSync } from "node:fs";
import type { ConnectionOptions } from "node:tls";
import { Problem } from "../../core/problem.ts";

export interface PgTarget {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  /** undefined: PGPASSWORD or ~/.pgpass, as psql does. */
  readonly password: string | undefined;
  readonly ssl: false | ConnectionOptions;
  /** The URL without user, password and settings. */
  readonly location: string;
}

const allowed =
  "postgres://user:password@host:5432/database, with ?sslmode=disable|require|verify-ca|verify-full&sslrootcert=FILE&sslcert=FILE&sslkey=FILE, or ?host=/run/postgresql for a Unix socket";

const settings = new Set(["host", "port", "sslmode", "sslrootcert", "sslcert", "sslkey"]);

/** Reads the URL in libpq's form (PostgreSQL manual, 34.1.1.2). Throws a Problem `store/url`. */
export function parsePgUrl(url: string, where: string | undefined): PgTarget {
  const refuse = (message: string) => new Problem(message, { code: "store/url", where, hint: allowed });
  // An empty host is libpq's way to say: the socket; URL has none.
  const parsed = URL.parse(url.replace(/^postgres(ql)?:\/\/([^/?]*@)?(?=[/?]|$)/, "postgres://$2socket.invalid"));
  if (parsed === null)
    throw refuse("The store's URL is not understood: a password's special characters are written as %40");
  // Neither is repeated: behind a `?` in a password that was not written as %3F stands its rest.
  for (const name of parsed.searchParams.keys()) {
    if (!settings.has(name)) throw refuse("The store's URL has a setting that is not known here");
  }
  const host = parsed.searchParams.get("host") ?? decode(parsed.hostname);
  const port = Number(parsed.searchParams.get("port") ?? (parsed.port === "" ? 5432 : parsed.port));
  const database = decode(parsed.pathname.slice(1));
  const user = decode(parsed.username);
  if (database === "" || database.includes("/")) throw refuse("The store's URL names no database");
  if (user === "") throw refuse("The store's URL names no user");
  if (!Number.isInteger(port) || port < 1 || port > 65_535) throw refuse("The store's URL names no port");
  const isSocket = host === "socket.invalid" || host.startsWith("/");
  const name = isSocket ? "" : parsed.hostname + (port === 5432 ? "" : `:${port}`);
  return {
    host: host === "socket.invalid" ? "/run/postgresql" : host.replace(/^\[|\]$/g, ""),
    port,
    database,
    user,
    password: parsed.password === "" ? undefined : decode(parsed.password),
    ssl: isSocket ? false : parseSsl(parsed.searchParams, refuse),
    location: `postgres://${name}/${database}`,
  };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** The modes of libpq that say what they do; `prefer` would give the password to whoever refuses to encrypt. */
function parseSsl(words: URLSearchParams, refuse: (message: string) => Problem): false | ConnectionOptions {
  const mode = words.get("sslmode") ?? "disable";
  const read = (name: string) => {
    const path = words.get(name);
    if (path === null) return undefined;
    try {
      return readFileSync(path, "utf8");
    } catch (error) {
      throw refuse(`The file of ${name} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
    }
  };
  const files = { ca: read("sslrootcert"), cert: read("sslcert"), key: read("sslkey") };
  const given = Object.fromEntries(Object.entries(files).filter(([, text]) => text !== undefined));
  switch (mode) {
    case "disable":
      return false;
    case "require":
      return { ...given, rejectUnauthorized: false };
    case "verify-ca":
      return { ...given, checkServerIdentity: () => undefined };
    case "verify-full":
      return given;
    default:
      throw refuse("The store's URL has an sslmode that is not known here");
  }
}
