import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { lineBytesMax } from "../../core/line.ts";
import { SyslogFrames, syslogLine } from "./syslog-frames.ts";

function read(pieces: readonly string[]): {
  readonly lines: readonly string[];
  readonly isRefused: boolean;
  readonly skipped: number;
} {
  const frames = new SyslogFrames();
  const lines: string[] = [];
  for (const piece of pieces) {
    const found = frames.push(Buffer.from(piece));
    if (found === undefined) return { lines, isRefused: true, skipped: frames.skipped };
    lines.push(...found.map((line) => line.toString()));
  }
  lines.push(...frames.end().map((line) => line.toString()));
  return { lines, isRefused: false, skipped: frames.skipped };
}

const long = "x".repeat(lineBytesMax + 1);

const cases: readonly {
  readonly title: string;
  readonly input: string;
  readonly lines?: readonly string[];
  readonly isRefused?: boolean;
  readonly skipped?: number;
}[] = [
  {
    title: "counted",
    input: "7 <13>one7 <13>two",
    lines: ["<13>one\n", "<13>two\n"],
  },
  { title: "ended by LF", input: "<13>one\n<13>two\n", lines: ["<13>one\n", "<13>two\n"] },
  {
    title: "both on one connection",
    input: "7 <13>one<13>two\n7 <13>six",
    lines: ["<13>one\n", "<13>two\n", "<13>six\n"],
  },
  {
    title: "a line end inside a counted message makes no other line",
    input: "13 <13>one\n<22>x",
    lines: ["<13>one <22>x\n"],
  },
  {
    title: "CR LF, NUL, empty lines between messages",
    input: "<13>one\r\n\r\n\0<13>two\n",
    lines: ["<13>one\n", "<13>two\n"],
  },
  { title: "without a priority", input: "__CURSOR=x\n{}\n", lines: ["<13>__CURSOR=x\n", "<13>{}\n"] },
  { title: "the last one without LF", input: "<13>one\n<13>two", lines: ["<13>one\n", "<13>two\n"] },
  { title: "a count cut off at the end", input: "<13>one\n99 <13>two", lines: ["<13>one\n"] },
  { title: "too long, counted", input: `${long.length} ${long}7 <13>two`, lines: ["<13>two\n"], skipped: 1 },
  { title: "too long, ended by LF", input: `<13>${long}\n<13>two\n`, lines: ["<13>two\n"], skipped: 1 },
  { title: "a count that is none", input: "7x<13>one", isRefused: true },
  { title: "a count of nought", input: "0 <13>one", isRefused: true },
  { title: "a count of a gigabyte", input: "1000000000 <13>one", isRefused: true },
];

for (const { title, input, lines = [], isRefused = false, skipped = 0 } of cases) {
  test(`${title}: whole, and cut into pieces of any size`, () => {
    assert.deepEqual(read([input]), { lines, isRefused, skipped });
    for (const size of input.length > 1_000 ? [4_096, 60_000] : [1, 2, 7]) {
      const pieces = Array.from({ length: Math.ceil(input.length / size) }, (_, i) =>
        input.slice(i * size, (i + 1) * size),
      );
      assert.deepEqual(read(pieces), { lines, isRefused, skipped }, `pieces of ${size}`);
    }
  });
}

test("whatever the bytes, a message is one line that begins with a priority, and what is cut otherwise reads the same", () => {
  const message = fc.uint8Array({ minLength: 1, maxLength: 60 });
  fc.assert(
    fc.property(message, (bytes) => {
      const line = syslogLine(Buffer.from(bytes));
      assert.equal(line.indexOf(10), line.length - 1);
      assert.equal(line[0], 60);
      assert.equal(line.indexOf(0), -1);
    }),
  );
  fc.assert(
    fc.property(fc.array(message, { maxLength: 8 }), fc.array(fc.nat(40), { maxLength: 20 }), (messages, cuts) => {
      const stream = Buffer.concat(messages.flatMap((one) => [Buffer.from(`${one.length} `), Buffer.from(one)]));
      const expected = messages.map((one) => syslogLine(Buffer.from(one)).toString("latin1"));
      const frames = new SyslogFrames();
      const lines: string[] = [];
      let at = 0;
      for (const length of [...cuts, stream.length]) {
        for (const line of frames.push(stream.subarray(at, at + length)) ?? []) lines.push(line.toString("latin1"));
        at += length;
      }
      assert.deepEqual(lines, expected);
    }),
  );
});
