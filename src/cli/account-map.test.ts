import assert from "node:assert/strict";
import { test } from "node:test";
import { mapLines } from "./account-map.ts";

const use = (name: string, familiar: boolean, calm_days: number) => {
  const at = "2026-03-01T00:00:00.000Z";
  return { name, country: name, first_at: at, last_at: at, calm_days, familiar };
};

test("countries stand from west to east and north to south, familiar ones in small letters", () => {
  const lines = mapLines([use("UA", true, 9), use("BR", false, 0), use("JP", false, 0), use("QQ", false, 0)]);
  const place = (letter: string) => {
    const y = lines.findIndex((line) => line.includes(letter) && !line.includes("familiar"));
    return { x: lines[y]?.indexOf(letter) ?? -1, y };
  };
  const [kyiv, brasilia, tokyo] = [place("a"), place("B"), place("C")];
  assert.ok(brasilia.x < kyiv.x && kyiv.x < tokyo.x);
  assert.ok(kyiv.y < tokyo.y && tokyo.y < brasilia.y);
  assert.ok(lines.some((line) => line.startsWith("a UA: familiar, 9 calm days")));
  assert.ok(lines.some((line) => line.includes("QQ") && line.includes("its place is not known here")));
});
