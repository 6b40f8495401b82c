import assert from "node:assert/strict";
import { test } from "node:test";
import { steadyClock } from "../core/clock.ts";
import { silentLog } from "../core/log.ts";
import { Follow } from "./follow.ts";
import type { LogCommit } from "./pending.ts";
import { type Piece, pieceBytesMax, type Source, type SourceReport } from "./source.ts";

const bytes = Buffer.from(`${"x".repeat(1_023)}\n`.repeat(pieceBytesMax / 1_024));

/** Gives as many pieces as somebody takes, each with its number as the place. */
class Endless implements Source {
  readonly name: string;
  taken = 0;
  /** Pieces that are at hand. */
  left = Number.POSITIVE_INFINITY;
  wake = () => {};

  constructor(name: string) {
    this.name = name;
  }

  async start(wake: () => void): Promise<void> {
    this.wake = wake;
    wake();
  }

  take(): Piece | undefined {
    if (this.left-- <= 0) return undefined;
    return { bytes, stream: this.name, places: [{ source: "file", key: this.name, body: String(++this.taken) }] };
  }

  look(): void {}

  report(): SourceReport {
    return { name: this.name, kind: "file", reading: [], troubles: [], skipped: 0, lost: 0 };
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

function following(sources: readonly Source[], commit: (commit: LogCommit<number>) => Promise<void>): Follow<number> {
  const consumer = { see: ({ count }: { readonly count: number }) => [count] };
  return new Follow<number>({ sources, consumers: [consumer], commit, clock: steadyClock(), log: silentLog });
}

test("while a commit waits a bounded piece more is read, and while it fails nothing", async () => {
  const source = new Endless("a");
  const waiting = Promise.withResolvers<void>();
  await using follow = following([source], () => waiting.promise);
  await follow.start();
  await sleep(150);
  const inFlight = source.taken;
  const readAhead = (4 * 1024 * 1024) / pieceBytesMax;
  assert.ok(inFlight >= readAhead && inFlight <= 2 * readAhead + 8, `${inFlight} pieces`);
  waiting.reject(new Error("the disk is full"));
  await sleep(150);
  assert.ok(follow.isFailing);
  assert.equal(source.taken, inFlight);
  assert.ok((follow.report()[0]?.lagSeconds ?? 0) > 0.2);
});

test("a line that comes while the store fails stays where it is until the store is back", async () => {
  const source = new Endless("a");
  source.left = 1;
  let isBroken = true;
  await using follow = following([source], async () => {
    if (isBroken) throw new Error("the disk is full");
  });
  const from = performance.now();
  await follow.start();
  assert.ok(performance.now() - from < 3_000, "a store that fails holds up the start no longer than a second");
  assert.ok(follow.isFailing);
  source.left = 1;
  source.wake();
  await sleep(20);
  assert.equal(source.taken, 1);
  isBroken = false;
  for (let tries = 0; tries < 300 && source.taken < 2; tries++) await sleep(10);
  assert.equal(source.taken, 2);
});

test("what is urgent takes everything with it at once, without waiting for company", async () => {
  const source = new Endless("a");
  source.left = 1;
  const commits: number[] = [];
  let isUrgent = false;
  const consumer = { see: ({ count }: { readonly count: number }) => [count] };
  await using follow = new Follow<number>({
    ...{ sources: [source], consumers: [consumer], clock: steadyClock(), log: silentLog, isUrgent: () => isUrgent },
    commit: async ({ writes }) => void commits.push(writes.length),
  });
  await follow.start();
  isUrgent = true;
  source.left = 1;
  source.wake();
  // Two turns of the event loop: no timer can have ended in them.
  for (let turn = 0; turn < 2; turn++) await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(commits, [1, 1]);
});

test("where a source begins is on disk when the start is over", async () => {
  const source = new Endless("a");
  source.left = 1;
  let commits = 0;
  await using follow = following([source], async () => {
    await sleep(30);
    commits++;
  });
  await follow.start();
  assert.equal(commits, 1);
});

test("a commit has exactly what was written between its place and the one before, also when it is tried again", async () => {
  const source = new Endless("a");
  let lines = 0;
  let place = 0;
  let tries = 0;
  const follow = following([source], async ({ places, writes }) => {
    if (++tries % 3 === 1) throw new Error("not now");
    lines += writes.reduce((sum, count) => sum + count, 0);
    place = Number(places[0]?.body);
    assert.equal(lines, place * (pieceBytesMax / 1_024));
  });
  await follow.start();
  await sleep(700);
  await follow[Symbol.asyncDispose]();
  assert.ok(tries > 3 && place > 0);
  assert.equal(lines, place * (pieceBytesMax / 1_024));
});

test("a busy source keeps no other one waiting", async () => {
  const [a, b] = [new Endless("a"), new Endless("b")];
  const follow = following([a, b], async () => {});
  await follow.start();
  await sleep(100);
  await follow[Symbol.asyncDispose]();
  assert.ok(a.taken > 2 && Math.abs(a.taken - b.taken) <= 1, `${a.taken} ${b.taken}`);
});
