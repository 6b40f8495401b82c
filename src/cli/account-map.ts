// Where an account logs in from, as text: countries at the place of their capital, by longitude and latitude on plain squares
// (equirectangular). No coast lines and no borders: there is nothing here to draw them wrongly with.

import type { AccountShown } from "../api/contract-accounts.ts";
import { capitals } from "./capitals.ts";
import { safeText } from "./safe-text.ts";
import type { Terminal } from "./terminal.ts";

const width = 72;
const height = 20;
/** Nobody logs in from beyond. */
const northMax = 75;
const southMax = -56;
const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

export function printMap(terminal: Terminal, { countries }: Pick<AccountShown, "countries">): void {
  terminal.line();
  for (const line of mapLines(countries)) terminal.line(safeText(line));
}

/** A grid with a letter a country, capital letters where it is unfamiliar, and what the letters mean. */
export function mapLines(countries: AccountShown["countries"]): readonly string[] {
  const grid = Array.from({ length: height }, (_, y) =>
    Array.from({ length: width }, (__, x) => (x % 12 === 0 || y % 5 === 0 ? "." : " ")),
  );
  const legend: string[] = [];
  const order = [...countries].sort((a, b) => b.calm_days - a.calm_days || (a.name < b.name ? -1 : 1));
  for (const [index, { name, familiar, calm_days, last_at }] of order.entries()) {
    const letter = letters[index % letters.length] ?? "?";
    const mark = familiar ? letter.toLowerCase() : letter;
    const place = capitals[name];
    const where = place === undefined ? " (its place is not known here)" : "";
    if (place !== undefined) put(grid, place, mark);
    const state = familiar ? "familiar" : "unfamiliar";
    legend.push(`${mark} ${name}: ${state}, ${calm_days} calm days, last ${last_at.slice(0, 10)}${where}`);
  }
  if (countries.length === 0) legend.push("no country is known of it");
  return [...grid.map((row) => row.join("").trimEnd()), "at the capital of each country; no borders", ...legend];
}

function put(grid: string[][], [latitude, longitude]: readonly [number, number], mark: string): void {
  const x = Math.min(width - 1, Math.floor(((longitude + 180) / 360) * width));
  const y = Math.min(height - 1, Math.max(0, Math.floor(((northMax - latitude) / (northMax - southMax)) * height)));
  const row = grid[y];
  if (row === undefined) return;
  // Neighbours share a square: the one that comes later moves aside.
  for (const at of [x, x + 1, x - 1, x + 2, x - 2]) {
    if (at < 0 || at >= width || /[A-Za-z]/.test(row[at] ?? "")) continue;
    row[at] = mark;
    return;
  }
}
