// What every source must do. A source's test gives a way to make one over a place of its own, and to write lines there.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Source, SourceHost } from "../../src/logs/source.ts";
import { follow, Remembered } from "../log-follower.ts";

/** Where a source under test reads, with the other end of it. */
export interface SourceGround extends AsyncDisposable {
  create(host: SourceHost): Source;
  /** Writes bytes as they are; a line ends with LF. May be called before the source is started where it keeps. */
  write(text: string): Promise<void>;
}

export interface SourceUnderTest {
  readonly name: string;
  lay(): Promise<SourceGround>;
  /** Goes on after a stop where it was, with what was written meanwhile. */
  readonly keeps: boolean;
  /** Takes what is not yet a whole line apart from what follows. */
  readonly isStream: boolean;
}

const waitMs = 10_000;

async function until(isTrue: () => boolean): Promise<void> {
  const deadline = performance.now() + waitMs;
  while (!isTrue() && performance.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 5));
}

function numbered(from: number, to: number): string {
  let text = "";
  for (let n = from; n <= to; n++)
    text += `Nov 24 07:07:07 mx1 postfix/smtpd[1]: n=${n} connect from unknown[192.0.2.1]\n`;
  return text;
}

function range(from: number, to: number): readonly number[] {
  return Array.from({ length: to - from + 1 }, (_, i) => from + i);
}

/** Registers the suite for one source. */
export function testSource(source: SourceUnderTest): void {
  describe(`source ${source.name}`, () => {
    test("every line once, in order, however many there are", async () => {
      await using ground = await source.lay();
      const remembered = new Remembered();
      await using _ = await follow(remembered, (host) => [ground.create(host)]);
      await ground.write(numbered(1, 5_000));
      await until(() => remembered.lines.length >= 5_000);
      assert.deepEqual(remembered.numbers, range(1, 5_000));
    });

    test("while the store fails nothing is forgotten, and nothing is doubled when it comes back", async () => {
      await using ground = await source.lay();
      const remembered = new Remembered();
      await using follower = await follow(remembered, (host) => [ground.create(host)]);
      remembered.isBroken = true;
      await ground.write(numbered(1, 200));
      await until(() => follower.isFailing);
      await ground.write(numbered(201, 400));
      assert.deepEqual(remembered.numbers, []);
      remembered.isBroken = false;
      await until(() => remembered.lines.length >= 400);
      assert.deepEqual(remembered.numbers, range(1, 400));
    });

    test("a line that is too long is left out, and the next is right", async () => {
      await using ground = await source.lay();
      const remembered = new Remembered();
      await using _ = await follow(remembered, (host) => [ground.create(host)]);
      await ground.write(numbered(1, 1));
      await ground.write(`Nov 24 07:07:07 mx1 a: n=666 ${"x".repeat(1_500_000)}\n`);
      await ground.write(numbered(2, 2));
      await until(() => remembered.numbers.includes(2));
      assert.deepEqual(remembered.numbers, [1, 2]);
    });

    test("NUL bytes and bytes that are no UTF-8 hurt no line beside them", async () => {
      await using ground = await source.lay();
      const remembered = new Remembered();
      await using _ = await follow(remembered, (host) => [ground.create(host)]);
      await ground.write(`${numbered(1, 1)}Nov 24 07:07:07 mx1 a: \u0000\u0000 \ufffd\n${numbered(2, 2)}`);
      await until(() => remembered.numbers.includes(2));
      assert.deepEqual(remembered.numbers, [1, 2]);
    });

    if (source.isStream) {
      test("a line is shown when it is whole", async () => {
        await using ground = await source.lay();
        const remembered = new Remembered();
        await using _ = await follow(remembered, (host) => [ground.create(host)]);
        const line = numbered(1, 1);
        await ground.write(line.slice(0, 30));
        await new Promise((resolve) => setTimeout(resolve, 60));
        assert.deepEqual(remembered.lines, []);
        await ground.write(line.slice(30));
        await until(() => remembered.lines.length > 0);
        assert.deepEqual(remembered.lines, [line.trimEnd()]);
      });
    }

    if (source.keeps) {
      test("after a stop it goes on behind the last line that was committed", async () => {
        await using ground = await source.lay();
        const remembered = new Remembered();
        const first = await follow(remembered, (host) => [ground.create(host)]);
        await ground.write(numbered(1, 300));
        await until(() => remembered.lines.length >= 300);
        await first[Symbol.asyncDispose]();
        await ground.write(numbered(301, 500));
        await using _ = await follow(remembered, (host) => [ground.create(host)]);
        await ground.write(numbered(501, 600));
        await until(() => remembered.lines.length >= 600);
        assert.deepEqual(remembered.numbers, range(1, 600));
      });
    }
  });
}
