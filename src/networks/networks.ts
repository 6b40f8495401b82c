// The data in use: what was imported where it can be used, otherwise what ships; with the operator's own lists over both.

import { openShipped, type Shipped } from "./embedded.ts";
import { importedAt, readImported } from "./imported.ts";
import { NetworkBook, type NetworkData, type NetworkOverride } from "./network-book.ts";
import { type ListChanges, listsWith } from "./network-lists.ts";

/** The name under which a thread is handed its NetworkSettings. */
export const networksStart = "networks";

/** Older data mislead: blocks of addresses change hands. */
const staleDays = 90;
const dayMs = 86_400_000;

export interface NetworkSettings extends ListChanges {
  /** Where imported data lie; undefined: only what ships. */
  readonly directory?: string | undefined;
  readonly overrides?: readonly NetworkOverride[] | undefined;
}

/** The data of one kind. */
export interface DataStatus {
  readonly source: string;
  /** YYYY-MM-DD. */
  readonly asOf: string;
  readonly ageDays: number;
  readonly stale: boolean;
  /** 0 where it cannot be counted. */
  readonly ranges: number;
}

export interface NetworkStatus {
  readonly systems: DataStatus;
  readonly countries: DataStatus;
  readonly listsAsOf: string;
  /** Said wherever results are shown. */
  readonly attribution: string;
  readonly troubles: readonly string[];
}

export interface OpenedNetworks {
  readonly book: NetworkBook;
  /** `now` in ms since the epoch. */
  statusAt(now: number): NetworkStatus;
  /** Takes what was imported since; true when something was. Look-ups go on meanwhile with the data before. */
  refresh(): Promise<boolean>;
}

/** Opens the data; a Problem when those that ship are missing. `cacheDirectory` undefined keeps nothing. */
export async function openNetworks(
  settings: NetworkSettings,
  cacheDirectory: string | undefined,
): Promise<OpenedNetworks> {
  const shipped = await openShipped(cacheDirectory);
  let state = await readState(shipped, settings);
  const book = new NetworkBook(state.data);
  return {
    book,
    statusAt: (now) => statusOf(shipped, state, now),
    refresh: async () => {
      if (settings.directory === undefined || (await importedAt(settings.directory)) === state.changedAt) return false;
      state = await readState(shipped, settings);
      book.use(state.data);
      return true;
    },
  };
}

interface State {
  readonly data: NetworkData;
  readonly imported: Awaited<ReturnType<typeof readImported>>;
  readonly changedAt: number;
}

async function readState(shipped: Shipped, settings: NetworkSettings): Promise<State> {
  const { directory } = settings;
  const changedAt = directory === undefined ? 0 : await importedAt(directory);
  const imported =
    directory === undefined || changedAt === 0
      ? { manifest: {}, systems: undefined, countries: undefined, troubles: [] }
      : await readImported(directory);
  const data = {
    systems: imported.systems ?? shipped.systems,
    countries: imported.countries ?? shipped.countries,
    lists: listsWith(settings),
    overrides: settings.overrides ?? [],
  };
  return { data, imported, changedAt };
}

function statusOf(shipped: Shipped, { data, imported }: State, now: number): NetworkStatus {
  const { manifest } = imported;
  const status = (kind: "systems" | "countries"): DataStatus => {
    const own = imported[kind] === undefined ? undefined : manifest[kind];
    const asOf = own?.as_of ?? shipped.asOf;
    const ageDays = Math.max(0, Math.floor((now - Date.parse(asOf)) / dayMs));
    const ranges = own?.ranges ?? (kind === "systems" ? shipped.ranges : 0);
    return { source: own?.source ?? "shipped", asOf, ageDays, stale: ageDays > staleDays, ranges };
  };
  return {
    systems: status("systems"),
    countries: status("countries"),
    listsAsOf: data.lists.asOf,
    attribution: shipped.attribution,
    troubles: imported.troubles,
  };
}
