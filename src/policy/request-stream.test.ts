import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { questionText } from "../../tests/policy-client.ts";
import { requestAttributesMax, requestBytesMax } from "./protocol.ts";
import type { Request } from "./request.ts";
import { RequestStream } from "./request-stream.ts";

const full = process.env["POSTVARTA_FULL"] === "1";

/** All that comes out of a stream: whole requests, then perhaps a fault. */
function readAll(chunks: Iterable<Buffer>): (Request | string)[] {
  const stream = new RequestStream(undefined);
  const seen: (Request | string)[] = [];
  for (const chunk of chunks) {
    // A copy, because the stream owns what it gets.
    stream.push(Buffer.from(chunk));
    for (let next = stream.next(); next !== undefined; next = stream.next()) {
      seen.push(next);
      if (typeof next === "string") return seen;
    }
    assert.ok(stream.sizeBytes <= requestBytesMax);
  }
  return seen;
}

function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const sorted = [0, ...places.map((place) => place % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  return sorted.slice(1).map((end, i) => bytes.subarray(sorted[i], end));
}

function senders(seen: readonly (Request | string)[]): string[] {
  return seen.map((item) => (typeof item === "string" ? item : item.sender));
}

const bytesOf = (text: string) => Buffer.from(text, "latin1");
const questions = fc.array(
  fc.record({
    sender: fc.string({ unit: fc.constantFrom("a", "@", "=", " ", "\xe4", "\xc3\xa4", "\r"), maxLength: 30 }),
    padding: fc.nat(3_000),
    crlf: fc.boolean(),
  }),
  { minLength: 1, maxLength: 6 },
);

function streamOf(list: readonly { sender: string; padding: number; crlf: boolean }[]): Buffer {
  const texts = list.map(({ sender, padding, crlf }) => {
    const text = questionText({ sender: `${sender}.`, stress: "x".repeat(padding) });
    return crlf ? text.replaceAll("\n", "\r\n") : text;
  });
  return bytesOf(texts.join(""));
}

test("however a sequence of requests is cut, the same requests come out (case 95)", () => {
  fc.assert(
    fc.property(questions, fc.array(fc.nat(20_000), { maxLength: 12 }), (list, places) => {
      const bytes = streamOf(list);
      const whole = readAll([bytes]);
      assert.equal(whole.length, list.length);
      assert.deepEqual(readAll(cut(bytes, places)), whole);
    }),
    { numRuns: full ? 5_000 : 300 },
  );
});

test("one byte at a time gives the same as all at once", () => {
  const bytes = streamOf([
    { sender: "a@x", padding: 10, crlf: false },
    { sender: "b@x", padding: 3_000, crlf: true },
    { sender: "\xe4@x", padding: 0, crlf: false },
  ]);
  assert.deepEqual(readAll(Array.from(bytes, (_, i) => bytes.subarray(i, i + 1))), readAll([bytes]));
});

test("requests joined in one chunk come out each once, in order, also when more is pushed before they are taken", () => {
  const stream = new RequestStream(undefined);
  stream.push(bytesOf(questionText({ sender: "1" }) + questionText({ sender: "2" }).slice(0, 50)));
  stream.push(bytesOf(questionText({ sender: "2" }).slice(50) + questionText({ sender: "3" })));
  const seen = [stream.next(), stream.next(), stream.next()];
  assert.deepEqual(
    seen.map((item) => (typeof item === "object" ? item.sender : item)),
    ["1", "2", "3"],
  );
  assert.equal(stream.next(), undefined);
  assert.equal(stream.sizeBytes, 0);
  assert.equal(stream.unfinished, false);
});

test("64 KiB and 1 000 lines are read, one more is a fault (case 97)", () => {
  const head = "request=smtpd_access_policy\nprotocol_state=RCPT\nsender=a@x\n";
  const sized = (bytes: number) => `${head}stress=${"x".repeat(bytes - head.length - "stress=".length - 2)}\n\n`;
  const counted = (lines: number) => `${head}${"a=\n".repeat(lines - 3)}\n`;
  for (const [text, expected] of [
    [sized(17_000), ["a@x"]],
    [sized(requestBytesMax), ["a@x"]],
    [sized(requestBytesMax + 1), ["too-long"]],
    [counted(requestAttributesMax), ["a@x"]],
    [counted(requestAttributesMax + 1), ["too-many-attributes"]],
    [`${head}\n${sized(requestBytesMax + 1)}`, ["a@x", "too-long"]],
    [`${head}helo_name=\0\n\n`, ["nul"]],
    ["\n", ["not-policy"]],
    ["\r\n", ["not-policy"]],
    [`\n${head}\n`, ["not-policy"]],
    ["\r\r\n\n", ["not-policy"]],
    [`${head}\r\n${head}\n`, ["a@x", "a@x"]],
    [`${head}\r`, []],
  ] as const) {
    const bytes = bytesOf(text);
    for (const size of [bytes.length, 1_000, 7]) {
      const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
        bytes.subarray(i * size, (i + 1) * size),
      );
      assert.deepEqual(senders(readAll(chunks)), expected, `${JSON.stringify(text.slice(-20))} in pieces of ${size}`);
    }
  }
});

test("a gigabyte without a line, and ten million short attributes, stop at the limits and keep nothing", () => {
  for (const [piece, pieces, fault] of [
    [Buffer.alloc(65_536, "a"), 16_384, "too-long"],
    [Buffer.alloc(30_000, "a=\n"), 1_000, "too-many-attributes"],
  ] as const) {
    const stream = new RequestStream(undefined);
    for (let i = 0; i < pieces; i++) {
      stream.push(piece);
      assert.equal(stream.next(), fault);
      assert.equal(stream.sizeBytes, 0);
    }
  }
});

test("a fault is final", () => {
  const stream = new RequestStream(undefined);
  stream.push(bytesOf("request=junk\n\n"));
  assert.equal(stream.next(), "not-policy");
  stream.push(bytesOf(questionText()));
  assert.equal(stream.next(), "not-policy");
});

test("no mutated input makes the parser throw or grow", () => {
  const random = xorshift(0x9e3779b9);
  const seeds = [questionText(), questionText({ sender: "\xc3\xa4@x" }), questionText().replaceAll("\n", "\r\n")].map(
    bytesOf,
  );
  const pieces = ["\n", "\n\n", "\r\n\r\n", "\0", "=", "request=", "size=9", "\xff", "__proto__=", "\r"].map(bytesOf);
  let answered = 0;
  let refused = 0;
  for (let run = 0; run < (full ? 1_000_000 : 50_000); run++) {
    const input = mutate(seeds[random() % seeds.length] ?? seeds[0] ?? Buffer.alloc(0), pieces, random);
    for (const item of readAll(cut(input, [random(), random(), random()]))) {
      if (typeof item === "string") refused++;
      else answered++;
    }
  }
  // Both roads were taken, often: the mutations are neither too mild nor too wild.
  assert.ok(answered > 1_000 && refused > 1_000, `${answered} read, ${refused} refused`);
});

function mutate(seed: Buffer, pieces: readonly Buffer[], random: () => number): Buffer {
  let bytes = random() % 4 === 0 ? Buffer.concat([seed, seed]) : Buffer.from(seed);
  for (let i = random() % 4; i >= 0; i--) {
    const at = random() % (bytes.length + 1);
    const kind = random() % 4;
    if (kind === 0) bytes[at % Math.max(1, bytes.length)] = random() & 255;
    else if (kind === 1) bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + (random() % 9))]);
    else {
      const piece = kind === 2 ? (pieces[random() % pieces.length] ?? seed) : bytes.subarray(at, at + (random() % 60));
      bytes = Buffer.concat([bytes.subarray(0, at), piece, bytes.subarray(at)]);
    }
  }
  return bytes;
}

/** A small generator with a seed, so that a failure comes again. */
function xorshift(seed: number): () => number {
  let x = seed;
  return () => {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    return x >>> 0;
  };
}
