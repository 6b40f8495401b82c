// `networks import`: a newer CSV or MMDB file in the place of the data that ship. Read whole and tried before anything changes.

import { createHash } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import path from "node:path";
import { gunzipSync } from "node:zlib";
import { Reader } from "mmdb-lib";
import { Problem } from "../core/problem.ts";
import { AsnTable, packAsnTable } from "./asn-table.ts";
import { openCountries } from "./country-database.ts";
import { type ImportedKind, readImported, replaceImported } from "./imported.ts";
import { parseRangeCsv } from "./range-csv.ts";
import { openSystems } from "./system-source.ts";

export interface ImportOptions {
  /** `[networks] directory`. */
  readonly directory: string;
  /** ms since the epoch. */
  readonly now: number;
  readonly dryRun: boolean;
  /** Takes a file with much less in it than the data in use. */
  readonly force: boolean;
  /** Ranges of systems in the data that ship, which are in use until some are imported. */
  readonly shippedRanges?: number;
  /** The day of the data, YYYY-MM-DD; without it what the file says, or its own date. */
  readonly asOf: string | undefined;
}

/** One kind of data that a file holds. */
export interface ImportResult {
  readonly kind: ImportedKind;
  readonly form: "csv" | "mmdb";
  /** 0 where it cannot be counted. */
  readonly ranges: number;
  readonly asOf: string;
}

const fileBytesMax = 1024 * 1024 * 1024;
const mmdbMark = Buffer.from("\xab\xcd\xefMaxMind.com", "latin1");
/** MaxMind DB File Format Specification 2.0: the metadata stand in the last 128 KiB. */
const metadataMax = 128 * 1024;
/** A file with less than this share of the ranges before it was cut off, or is of something else. */
const leastShare = 0.5;
const dayLength = 10;

interface Made {
  readonly kind: ImportedKind;
  readonly bytes: Uint8Array;
  readonly ranges: number;
}

/** Imports what `file` holds: systems, countries, or both. A Problem names the line of what cannot be read; then nothing changed. */
export async function importNetworks(file: string, options: ImportOptions): Promise<readonly ImportResult[]> {
  const bytes = await readWhole(file);
  const isMmdb = bytes.lastIndexOf(mmdbMark) >= Math.max(0, bytes.length - metadataMax);
  const made = isMmdb ? ofMmdb(bytes, file) : ofCsv(bytes, file);
  const asOf = options.asOf ?? (isMmdb ? builtOn(bytes) : undefined) ?? dayOf((await stat(file)).mtimeMs);
  if (!options.force) await refuseShrunk(made, file, options);
  if (!options.dryRun) for (const one of made) await put(one, file, asOf, isMmdb, options);
  return made.map(({ kind, ranges }) => ({ kind, ranges, form: isMmdb ? "mmdb" : "csv", asOf }));
}

async function put(one: Made, file: string, asOf: string, isMmdb: boolean, options: ImportOptions): Promise<void> {
  const hash = createHash("sha256").update(one.bytes).digest("hex").slice(0, 16);
  const name = `${one.kind}-${hash}.${isMmdb ? "mmdb" : "bin"}`;
  const made = {
    name,
    source: path.basename(file),
    as_of: asOf,
    ranges: one.ranges,
    imported_at: new Date(options.now).toISOString(),
  };
  await replaceImported(options.directory, one.kind, made, one.bytes);
}

async function readWhole(file: string): Promise<Buffer> {
  try {
    const { size } = await stat(file);
    if (size > fileBytesMax) throw new Error(`larger than ${fileBytesMax / 1024 / 1024} MiB`);
    const bytes = await readFile(file);
    const isPacked = bytes[0] === 0x1f && bytes[1] === 0x8b;
    return isPacked ? gunzipSync(bytes, { maxOutputLength: fileBytesMax }) : bytes;
  } catch (error) {
    const hint = error instanceof Error ? error.message : String(error);
    throw new Problem("the file cannot be read", { code: "input/unreadable", where: file, hint });
  }
}

function ofMmdb(bytes: Buffer, file: string): readonly Made[] {
  const made: Made[] = [];
  if (openSystems(bytes) !== undefined) made.push({ kind: "systems", bytes, ranges: 0 });
  if (openCountries(bytes) !== undefined) made.push({ kind: "countries", bytes, ranges: 0 });
  if (made.length > 0) return made;
  throw unusable(
    file,
    "the MMDB file is damaged, or names neither systems nor countries",
    "a GeoLite2, DB-IP or IPinfo file of ASNs or countries",
  );
}

function ofCsv(bytes: Buffer, file: string): readonly Made[] {
  const parsed = parseRangeCsv(bytes.toString("utf8"));
  const forms =
    "known: start,end,asn,name; start,end,country; GeoLite2 ASN and IPinfo CSV; prefix2as; .mmdb; each also as .gz";
  if ("badLine" in parsed) throw unusable(`${file}:${parsed.badLine}`, parsed.because, forms);
  const made: Made[] = [];
  for (const kind of ["systems", "countries"] as const) {
    const ranges = parsed[kind];
    const count = ranges.v4.length + ranges.v6.length;
    if (count === 0) continue;
    const packed = packAsnTable(ranges);
    if (AsnTable.parse(packed) === undefined) throw unusable(file, "the ranges cannot be packed", forms);
    made.push({ kind, bytes: packed, ranges: count });
  }
  if (made.length === 0) throw unusable(file, "no range stands in the file", forms);
  return made;
}

async function refuseShrunk(
  made: readonly Made[],
  file: string,
  { directory, shippedRanges = 0 }: ImportOptions,
): Promise<void> {
  const { manifest } = await readImported(directory);
  for (const { kind, ranges } of made) {
    const before = manifest[kind]?.ranges ?? (kind === "systems" ? shippedRanges : 0);
    if (ranges === 0 || ranges >= before * leastShare) continue;
    const message = `${ranges} ranges of ${kind}, and the data in use have ${before}`;
    throw unusable(file, message, "the file was cut off, or --force if it is meant");
  }
}

function builtOn(bytes: Buffer): string | undefined {
  try {
    const built = new Reader(bytes).metadata.buildEpoch;
    return built instanceof Date ? dayOf(built.getTime()) : undefined;
  } catch {
    return undefined;
  }
}

function dayOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, dayLength);
}

function unusable(where: string, message: string, hint: string): Problem {
  return new Problem(message, { code: "networks/data", where, hint });
}
