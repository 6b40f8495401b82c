// More failing addresses than are remembered: the memory of all jails together has an end, and what comes beyond it costs no more time
// than what came before. With POSTVARTA_FULL=1 it is the million of the default.

import assert from "node:assert/strict";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { JailHouse } from "./jail-house.ts";

const full = process.env["POSTVARTA_FULL"] === "1";
const failingMax = full ? 1_000_000 : 30_000;
/** Of one entry: an address that failed once in one jail, or a network around it. */
const entryBytesMax = 240;
/** Events, lines and rows on their way, and what a test runner takes. */
const besidesBytesMax = 48_000_000;
const piece = 1_000;

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

function heapBytes(): number {
  collect();
  return process.memoryUsage().heapUsed;
}

/** Spread over a whole /8, so that no network is banned. */
function failure(i: number): string {
  const n = Math.imul(i, 0x9e3779b1) >>> 8;
  const ip = `10.${n >>> 16}.${(n >>> 8) & 255}.${n & 255}`;
  return `postfix/smtpd[7]: warning: unknown[${ip}]: SASL LOGIN authentication failed: UGFzc3dvcmQ6, sasl_username=u${i}@example.org`;
}

test(`of ${2 * failingMax} failing addresses memory holds no more than ${failingMax} entries, at the same cost each`, () => {
  const house = new JailHouse({ jails: { failing_max: failingMax } });
  const before = heapBytes();
  const seconds = [0, 1].map((half) => {
    const from = process.cpuUsage();
    for (let at = half * failingMax; at < (half + 1) * failingMax; at += piece) {
      house.see(...Array.from({ length: piece }, (_, k) => failure(at + k)));
      house.writes.length = 0;
    }
    const { user, system } = process.cpuUsage(from);
    return (user + system) / 1e6;
  });
  const failing = house.report.jails.reduce((sum, jail) => sum + jail.failing, 0);
  assert.ok(failing <= failingMax && failing > failingMax / 4, `${failing} failing`);
  const grown = heapBytes() - before;
  assert.ok(grown < failingMax * entryBytesMax + besidesBytesMax, `${Math.round(grown / 1e6)} MB`);
  const [first = 0, second = 0] = seconds;
  assert.ok(second < 3 * first + 1, `${first} s, then ${second} s`);
  if (full)
    console.log(`${Math.round(grown / 1e6)} MB; ${first.toFixed(1)} s, then ${second.toFixed(1)} s of the processor`);
});
