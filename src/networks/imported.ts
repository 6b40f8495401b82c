// Network data that an operator imported: files in a directory, and beside them networks.json, which says what they are. The new
// file is written whole before networks.json names it, so that a reader sees the old data or the new ones.

import { mkdir, readFile, rm, stat } from "node:fs/promises";
import path from "node:path";
import * as z from "zod";
import { AsnTable } from "./asn-table.ts";
import { openCountries } from "./country-database.ts";
import { countriesOfTable } from "./country-table.ts";
import type { CountrySource } from "./network-book.ts";
import { openSystems, type SystemSource, systemsOfTable } from "./system-source.ts";
import { writeWhole } from "./whole-file.ts";

export type ImportedKind = "systems" | "countries";

const entry = z.object({
  /** In the same directory. */
  file: z.string().regex(/^[a-z]+-[0-9a-f]{16}\.(bin|mmdb)$/),
  /** The name of the file that was imported. */
  source: z.string(),
  /** The day of the data, YYYY-MM-DD. */
  as_of: z.iso.date(),
  imported_at: z.iso.datetime(),
  /** 0 where it cannot be counted. */
  ranges: z.int(),
});
export type ImportedEntry = z.output<typeof entry>;

const manifestSchema = z.object({ systems: entry.optional(), countries: entry.optional() });
export type Manifest = z.output<typeof manifestSchema>;

const manifestName = "networks.json";
/** The daemon reads them as another user. */
const fileMode = 0o644;

export interface Imported {
  readonly manifest: Manifest;
  readonly systems: SystemSource | undefined;
  readonly countries: CountrySource | undefined;
  /** What is named and cannot be used; what ships stands in for it. */
  readonly troubles: readonly string[];
}

/** What was imported into a directory; nothing where there is none. */
export async function readImported(directory: string): Promise<Imported> {
  const troubles: string[] = [];
  const manifest = await readManifest(directory, troubles);
  const systems = await open(directory, manifest.systems, troubles, openSystems, systemsOfTable);
  const countries = await open(directory, manifest.countries, troubles, openCountries, countriesOfTable);
  return { manifest, systems, countries, troubles };
}

/** When the directory's data changed last, ms since the epoch; 0 where nothing was imported. */
export async function importedAt(directory: string): Promise<number> {
  return (await stat(path.join(directory, manifestName)).catch(() => undefined))?.mtimeMs ?? 0;
}

/** Puts a file into a directory in the place of the one before it. */
export async function replaceImported(
  directory: string,
  kind: ImportedKind,
  made: Omit<ImportedEntry, "file"> & { readonly name: string },
  bytes: Uint8Array,
): Promise<void> {
  await mkdir(directory, { recursive: true });
  const { name, ...rest } = made;
  const before = await readManifest(directory, []);
  const old = before[kind]?.file;
  await writeWhole(path.join(directory, name), bytes, fileMode);
  const manifest: Manifest = { ...before, [kind]: { ...rest, file: name } };
  await writeWhole(path.join(directory, manifestName), `${JSON.stringify(manifest, undefined, 2)}\n`, fileMode);
  if (old !== undefined && old !== name) await rm(path.join(directory, old), { force: true });
}

async function readManifest(directory: string, troubles: string[]): Promise<Manifest> {
  const file = path.join(directory, manifestName);
  try {
    return manifestSchema.parse(JSON.parse(await readFile(file, "utf8")));
  } catch (error) {
    const isAbsent = error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENOTDIR");
    if (!isAbsent) troubles.push(`${file} cannot be read: import the data again`);
    return {};
  }
}

async function open<Source>(
  directory: string,
  named: ImportedEntry | undefined,
  troubles: string[],
  ofMmdb: (bytes: Buffer) => Source | undefined,
  ofTable: (table: AsnTable) => Source,
): Promise<Source | undefined> {
  if (named === undefined) return undefined;
  const file = path.join(directory, named.file);
  const bytes = await readFile(file).catch(() => undefined);
  const table = bytes === undefined || named.file.endsWith(".mmdb") ? undefined : AsnTable.parse(bytes);
  const opened = bytes !== undefined && named.file.endsWith(".mmdb") ? ofMmdb(bytes) : table && ofTable(table);
  if (opened === undefined) troubles.push(`${file} is damaged: import ${named.source} again`);
  return opened;
}
