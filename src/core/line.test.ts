import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { LineSplitter, lineBytesMax } from "./line.ts";

/** Splits `text` in chunks of these sizes, the last one again and again. */
function linesOf(text: Buffer, sizes: readonly number[]): { lines: string[]; numbers: number[]; skipped: number } {
  const splitter = new LineSplitter();
  const lines: string[] = [];
  const numbers: number[] = [];
  const see = (bytes: Buffer, start: number, end: number, number: number) => {
    lines.push(bytes.toString("latin1", start, end));
    numbers.push(number);
  };
  for (let at = 0, i = 0; at < text.length; i++) {
    const size = sizes[Math.min(i, sizes.length - 1)] ?? text.length;
    splitter.split(Buffer.from(text.subarray(at, at + size)), see);
    at += size;
  }
  splitter.end(see);
  return { lines, numbers, skipped: splitter.skipped };
}

test("only LF ends a line; a CR before it and NUL bytes do not", () => {
  const { lines, numbers } = linesOf(Buffer.from("a\r\nb\rc\n\n\0d\0\nlast"), [3]);
  assert.deepEqual(lines, ["a", "b\rc", "", "d\0", "last"]);
  assert.deepEqual(numbers, [1, 2, 3, 4, 5]);
});

test("a hole of NUL bytes before a line, however long, is not part of it", () => {
  const text = Buffer.concat([
    Buffer.from("one\n"),
    Buffer.alloc(3 * lineBytesMax),
    Buffer.from("two\n\0\n"),
    Buffer.alloc(9),
  ]);
  for (const size of [1000, text.length]) {
    assert.deepEqual(linesOf(text, [size]), { lines: ["one", "two", ""], numbers: [1, 2, 3], skipped: 0 });
  }
});

test("where chunks end makes no difference", () => {
  const texts = fc.string({ unit: fc.constantFrom("a", "\n", "\r", "ї"), maxLength: 60 });
  fc.assert(
    fc.property(texts, fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 20 }), (text, sizes) => {
      const bytes = Buffer.from(text);
      assert.deepEqual(linesOf(bytes, sizes), linesOf(bytes, [bytes.length + 1]));
    }),
  );
});

test("a line longer than the limit is skipped whole, counted, and the next line has the right number", () => {
  const long = Buffer.concat([Buffer.from("one\n"), Buffer.alloc(lineBytesMax + 1, 97), Buffer.from("\nthree\n")]);
  for (const size of [1000, lineBytesMax, long.length]) {
    assert.deepEqual(
      linesOf(long, [size]),
      { lines: ["one", "three"], numbers: [1, 3], skipped: 1 },
      `chunks of ${size}`,
    );
  }
});

test("a line as long as the limit is read", () => {
  const text = Buffer.concat([Buffer.alloc(lineBytesMax, 97), Buffer.from("\n")]);
  assert.equal(linesOf(text, [777]).lines[0]?.length, lineBytesMax);
});

test("a gigabyte without LF takes no memory to speak of", () => {
  const chunk = Buffer.alloc(1024 * 1024, 97);
  const splitter = new LineSplitter();
  const before = process.memoryUsage.rss();
  const chunks = process.env["POSTVARTA_FULL"] === "1" ? 1024 : 64;
  for (let i = 0; i < chunks; i++) splitter.split(chunk, () => assert.fail("no line ends here"));
  const seen: string[] = [];
  splitter.split(Buffer.from("\nnext\n"), (bytes, start, end, number) =>
    seen.push(`${number} ${bytes.toString("latin1", start, end)}`),
  );
  assert.deepEqual(seen, ["2 next"]);
  assert.ok(process.memoryUsage.rss() - before < 32 * 1024 * 1024);
});
