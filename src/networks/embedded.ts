// The network data that ships: packages with dated copies of public registers. The half a million ranges of text are made into
// one compact file on first use, in the cache directory of whoever runs us; without one they are made anew each time (two seconds).

import { mkdir, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";
import { Problem } from "../core/problem.ts";
import { type AsnRanges, AsnTable, packAsnTable } from "./asn-table.ts";
import { openCountries } from "./country-database.ts";
import type { CountrySource } from "./network-book.ts";
import { parseRangeCsv } from "./range-csv.ts";
import { type SystemSource, systemsOfTable } from "./system-source.ts";
import { writeWhole } from "./whole-file.ts";

/** The day the shipped data were made; the packages carry it in their version. */
const shippedDay = "2026-06-17";

/** Said wherever results are shown. */
const networkAttribution =
  "Networks: RouteViews, DB-IP (https://db-ip.com), NRO, CC BY 4.0. Countries: ip-location-db geo-whois-asn-country, CC0.";

/** The data of the packages, open. */
export interface Shipped {
  readonly systems: SystemSource;
  readonly countries: CountrySource;
  /** YYYY-MM-DD. */
  readonly asOf: string;
  readonly ranges: number;
  readonly attribution: string;
}

/** Opens the shipped data; a Problem when they are missing. `cacheDirectory` undefined keeps nothing. */
export async function openShipped(cacheDirectory: string | undefined): Promise<Shipped> {
  const table = await readAsns(cacheDirectory);
  const countries = openCountries(await readShipped("geo-whois-asn-country-mmdb", "geo-whois-asn-country.mmdb"));
  if (countries === undefined) throw damaged("geo-whois-asn-country.mmdb");
  const systems = systemsOfTable(table);
  return { systems, countries, asOf: shippedDay, ranges: table.size, attribution: networkAttribution };
}

/** The cache directory by systemd's and the desktop's conventions; undefined where neither is known. */
export function networkCacheDirectory(environment: NodeJS.ProcessEnv): string | undefined {
  const { CACHE_DIRECTORY, XDG_CACHE_HOME, HOME } = environment;
  const home = XDG_CACHE_HOME ?? (HOME === undefined || HOME === "" ? undefined : path.join(HOME, ".cache"));
  return CACHE_DIRECTORY ?? (home === undefined ? undefined : path.join(home, "postvarta"));
}

async function readAsns(cacheDirectory: string | undefined): Promise<AsnTable> {
  const file = cacheDirectory === undefined ? undefined : path.join(cacheDirectory, `networks-${shippedDay}.bin`);
  const kept = file === undefined ? undefined : await readFile(file).catch(() => undefined);
  const table = kept === undefined ? undefined : AsnTable.parse(kept);
  if (table !== undefined) return table;
  const bytes = packAsnTable(await readRanges());
  if (file !== undefined) await keep(file, bytes);
  const made = AsnTable.parse(bytes);
  if (made === undefined) throw damaged("asn-ipv4-num.csv");
  return made;
}

async function readRanges(): Promise<AsnRanges> {
  const names = ["asn-ipv4-num.csv", "asn-ipv6-num.csv"];
  const texts = await Promise.all(names.map(async (name) => (await readShipped("asn", name)).toString("utf8")));
  const parsed = parseRangeCsv(texts.join("\n"));
  if ("badLine" in parsed) throw damaged(`line ${parsed.badLine} of the ranges`);
  return parsed.systems;
}

/** A directory that cannot be written only costs time. */
async function keep(file: string, bytes: Uint8Array): Promise<void> {
  try {
    await mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
    await writeWhole(file, bytes, 0o600);
  } catch {
    // Nothing is lost but the two seconds of the next start.
  }
}

/** From the package in a checkout; a bundle has the files in `networks/` beside it. */
async function readShipped(name: string, file: string): Promise<Buffer> {
  const beside = new URL(`networks/${file}`, import.meta.url);
  const bundled = await readFile(beside).catch(() => undefined);
  if (bundled !== undefined) return bundled;
  try {
    const manifest = createRequire(import.meta.url).resolve(`@ip-location-db/${name}/package.json`);
    return await readFile(path.join(path.dirname(manifest), file));
  } catch {
    throw new Problem("the network data are not installed", {
      code: "networks/data",
      where: file,
      hint: "npm ci brings them; a bundle has them in networks/ beside it",
    });
  }
}

function damaged(where: string): Problem {
  return new Problem("the network data are damaged", { code: "networks/data", where, hint: "install them again" });
}
