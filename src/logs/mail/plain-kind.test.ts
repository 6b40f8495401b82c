import { ok, strictEqual } from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { plainKind } from "./plain-kind.ts";
import type { Program } from "./program.ts";
import { parseMessage } from "./reader.ts";

const qmgr: Program = { daemon: "qmgr", service: "qmgr" };
const smtp: Program = { daemon: "delivery", service: "smtp" };

function plain({ daemon }: Program, message: string): string | undefined {
  const bytes = Buffer.from(message);
  return plainKind(daemon, bytes, 0, bytes.length);
}

const lines: readonly (readonly [Program, string, string])[] = [
  [qmgr, "4c1b2A: from=<ann@example.org>, size=500, nrcpt=1 (queue active)", "queued"],
  [qmgr, "4c1b2A: from=<>, size=1, nrcpt=20 (queue active)", "queued"],
  [smtp, "4c1b2A: to=<a@b>, relay=mx[192.0.2.1]:25, delay=1, dsn=2.0.0, status=sent (250 ok)", "sent"],
  [smtp, "4c1b2A: to=<a@b>, relay=none, delay=1, dsn=4.4.1, status=deferred (connect to mx)", "deferred"],
  [smtp, "4c1b2A: to=<a@b>, relay=none, delay=1, dsn=5.4.4, status=bounced (no such host)", "bounced"],
];

for (const [program, message, kind] of lines) {
  test(`${message} is ${kind} by its bytes`, () => strictEqual(plain(program, message), kind));
}

test("what is plain by its bytes is the same when it is read, whatever is cut out and put in", () => {
  const pieces = [
    ">, size=",
    ", nrcpt=",
    " (queue active)",
    ">, relay=",
    ", status=",
    "sent (",
    '"',
    "> ",
    "<",
    "12",
    "",
  ];
  let plainOnes = 0;
  const change = fc.record({
    line: fc.nat(lines.length - 1),
    at: fc.nat(90),
    length: fc.nat(12),
    piece: fc.constantFrom(...pieces),
  });
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 3 }), ([first, ...more]) => {
      const [program = qmgr, text = ""] = lines[first?.line ?? 0] ?? [];
      let message = text;
      for (const { at, length, piece } of [...(first === undefined ? [] : [first]), ...more])
        message = message.slice(0, at) + piece + message.slice(at + length);
      const kind = plain(program, message);
      if (kind === undefined) return;
      plainOnes++;
      strictEqual(parseMessage(program, message)?.kind, kind, message);
    }),
    { numRuns: 3_000 },
  );
  ok(plainOnes > 100, `${plainOnes}`);
});
