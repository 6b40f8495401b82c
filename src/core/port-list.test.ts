import assert from "node:assert/strict";
import { test } from "node:test";
import { parsePorts, printPorts } from "./port-list.ts";

const cases: readonly (readonly [text: string, printed: string | undefined])[] = [
  ["smtp,465,submission", "25,465,587"],
  ["587,25,25, 26", "25-26,587"],
  ["1000:2000,1500-3000", "1000-3000"],
  ["0-65535", "0-65535"],
  ["65536", undefined],
  ["25,", undefined],
  ["nosuch", undefined],
  ["constructor", undefined],
  ["30-20", undefined],
  ["1-2-3", undefined],
  ["25; drop", undefined],
  [Array.from({ length: 16 }, (_, i) => i * 2).join(","), undefined],
];

test("ports are numbers, ranges and names, printed in one way", () => {
  for (const [text, printed] of cases) {
    const ports = parsePorts(text);
    assert.equal(ports && printPorts(ports), printed, text);
  }
});
