import assert from "node:assert/strict";
import { test } from "node:test";
import { lineLog } from "../core/log.ts";
import { LogSilence } from "./log-silence.ts";

const minute = 60_000;

function watched(): {
  readonly silence: LogSilence;
  readonly told: string[];
  look(minutes: number, asked: number, lastMailAt?: number): boolean;
} {
  const told: string[] = [];
  const silence = new LogSilence(
    lineLog({ level: "info", journald: true, write: (line) => told.push(line.trim()) }),
    0,
  );
  const look = (minutes: number, asked: number, lastMailAt = 0) => {
    const one = { name: "l", kinds: {}, lastLineAt: 0, lastMailAt, unknownShapes: [], unknownOthers: 0, unchecked: 0 };
    const lines = { event: 0, mail: 0, other: 0, unknown: 0, skipped: 0 };
    const troubles = ["/var/log/mail.log: we may not read it"];
    const source = { name: "l", kind: "file" as const, reading: [], troubles, skipped: 0, lost: 0, lagSeconds: 0 };
    silence.look({ counts: [{ ...one, lines }], sources: [source], asked }, minutes * minute);
    return silence.isSilent;
  };
  return { silence, told, look };
}

test("a log is silent when ten questions came in ten minutes without a line of mail; told once, with what is known", () => {
  const { told, look } = watched();
  assert.equal(look(9.9, 1_000), false);
  assert.equal(look(10, 1_000), true);
  assert.equal(look(11, 2_000), true);
  assert.equal(told.length, 1);
  assert.match(
    told[0] ?? "",
    /^<3>logs\.silent minutes=10 questions=1000 troubles="\/var\/log\/mail\.log: we may not read it"$/,
  );
});

test("a mail server that does not ask may be silent, and a few questions are nothing", () => {
  const { told, look } = watched();
  assert.equal(look(60, 0), false);
  assert.equal(look(120, 9), false);
  assert.deepEqual(told, []);
});

test("questions count from the last line on; a line ends the silence", () => {
  const { told, look } = watched();
  assert.equal(look(5, 500, 5 * minute), false);
  assert.equal(look(16, 505, 5 * minute), false);
  assert.equal(look(17, 510, 5 * minute), true);
  assert.equal(look(18, 511, 18 * minute), false);
  assert.match(told[1] ?? "", /^<6>logs\.heard-again/);
});
