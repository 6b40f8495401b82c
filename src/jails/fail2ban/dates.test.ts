import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { test } from "node:test";
import { resolveDate } from "./date-time.ts";
import { DateDetector, makeDateTemplates } from "./dates.ts";

const now = Date.UTC(2026, 10, 24, 12);

/** The time of a line's date in ISO form, and the line without it. */
function read(line: string, patterns: readonly string[] = [], zoneMinutes = 0): readonly [string | undefined, string] {
  const detector = new DateDetector(makeDateTemplates(patterns, 2026, "f:1"));
  const found = detector.find(line);
  if (found === undefined) return [undefined, line];
  const at = resolveDate(found.template, found, { now, zoneMinutes });
  const rest = line.slice(0, found.start) + line.slice(found.end);
  return [at === undefined ? undefined : new Date(at).toISOString().replace(".000Z", "Z"), rest];
}

const forms: readonly (readonly [string, string])[] = [
  ["Nov 24 11:59:00 mx x: y", "2026-11-24T11:59:00Z"],
  ["Nov  4 11:59:00 mx x: y", "2026-11-04T11:59:00Z"],
  ["Tue Nov 24 11:59:00.123 2026 x", "2026-11-24T11:59:00Z"],
  ["2026-11-24 11:59:00,123 x", "2026-11-24T11:59:00Z"],
  ["2026-11-24T11:59:00.123456+02:00 mx x: y", "2026-11-24T09:59:00Z"],
  ["2026-11-24T11:59:00Z mx x: y", "2026-11-24T11:59:00Z"],
  ["24/Nov/2026:11:59:00 +0100] x", "2026-11-24T10:59:00Z"],
  ["24/11/2026 11:59:00 x", "2026-11-24T11:59:00Z"],
  ["11/24/2026:11:59:00 x", "2026-11-24T11:59:00Z"],
  ["1795521540 x", "2026-11-24T11:59:00Z"],
  ["[1795521540] x", "2026-11-24T11:59:00Z"],
  ["audit(1795521540.123:77): x", "2026-11-24T11:59:00.123Z"],
  ["20261124 11:59:00 x", "2026-11-24T11:59:00Z"],
  ["Nov 24, 2026 11:59:00 PM x", "2026-11-24T23:59:00Z"],
  ["@400000006a1ddb1900000000 x", "2026-06-01T19:18:49Z"],
];

for (const [line, expected] of forms) {
  test(`the date of ${line} is found without a pattern`, () => strictEqual(read(line)[0], expected));
}

const years: readonly (readonly [string, string])[] = [
  ["Dec 31 23:59:00 x", "2025-12-31T23:59:00Z"],
  ["Nov 25 11:00:00 x", "2026-11-25T11:00:00Z"],
  ["Nov 25 13:00:00 x", "2025-11-25T13:00:00Z"],
];

for (const [line, expected] of years) {
  test(`${line} without a year is at most a day ahead`, () => strictEqual(read(line)[0], expected));
}

const patterns: readonly (readonly [string, string, string, string])[] = [
  ["^%Y%m%d-%H%M%S", "20261124-115900 rest", "2026-11-24T11:59:00Z", " rest"],
  [String.raw`\[%d/%b/%Y %H:%M:%S\]`, "a [24/nov/2026 11:59:00] b", "2026-11-24T11:59:00Z", "a  b"],
  [String.raw`^\S+ \(({DATE})\)`, "host (2026-11-24 11:59:00) b", "2026-11-24T11:59:00Z", "host () b"],
  ["{^LN-BEG}%H:%M", "11:59 rest", "2026-11-24T11:59:00Z", " rest"],
  ["%H:%M:%S", "x 12:30:00 y", "2026-11-23T12:30:00Z", "x  y"],
  ["EPOCH", "1795521540 x", "2026-11-24T11:59:00Z", " x"],
  ["LEPOCH", "1795521540123 x", "2026-11-24T11:59:00Z", " x"],
  ["%Y-%j %H:%M", "2026-328 11:59 x", "2026-11-24T11:59:00Z", " x"],
  ["%d.%m.%Y %I:%M %p", "24.11.2026 01:59 pm x", "2026-11-24T13:59:00Z", " x"],
];

for (const [pattern, line, expected, rest] of patterns) {
  test(`the pattern ${pattern} finds its date and cuts it out`, () => {
    const [at, left] = read(line, [pattern]);
    deepStrictEqual([at?.slice(0, 19), left], [expected.slice(0, 19), rest]);
  });
}

test("a date without a zone is of the zone that is set", () => {
  strictEqual(read("2026-11-24 11:59:00 x", [], 120)[0], "2026-11-24T09:59:00Z");
});

test("a day that there is not is no date", () => strictEqual(read("Feb 30 11:59:00 x")[0], undefined));

test("a pattern that is not met finds nothing", () => {
  deepStrictEqual(read("2026-11-24 11:59:00 x", ["^%d/%m/%Y"]), [undefined, "2026-11-24 11:59:00 x"]);
});

test("the form of the last line is tried first", () => {
  const detector = new DateDetector(makeDateTemplates([], 2026, "f:1"));
  const names = ["24/11/2026 11:59:00 x", "24/11/2026 11:59:01 y", "Nov 24 11:59:02 z"].map(
    (line) => detector.find(line)?.template.name,
  );
  strictEqual(names[0], names[1]);
  strictEqual(names[0] === names[2], false);
});

test("lines whose beginnings repeat, in any mixture, have the dates that each has alone", () => {
  const detector = new DateDetector(makeDateTemplates([], 2026, "f:1"));
  const heads = [
    "mx postfix/smtpd[7]: a",
    "mx postfix/submission/smtpd[9]: b",
    "mx dovecot: imap-login: c",
    "2025 mx x: d",
  ];
  const tails = [...heads, "mx e", " two blanks are no word", "mx postfix/smtp[1]: ünicode"];
  const stamps = [
    "Nov 24 11:59:SS",
    "Nov 24 11:58:SS.FF",
    "2026-11-24T11:59:SS+02:00",
    "2026-11-24T11:59:SS.FF0FF+02:00",
    "2026-11-24 11:59:SS,FF",
    "Nov  4 11:59:SS",
    "24/11/2026 11:59:SS",
  ];
  const lines = stamps.flatMap((stamp) => tails.map((tail) => `${stamp} ${tail}`));
  let alike = 0;
  for (let i = 0; i < 4_000; i++) {
    const two = (n: number) => String(n % 62).padStart(2, "0");
    const form = lines[(i * i + (i >> 3)) % lines.length] ?? "";
    const line = form.replace("SS", two(i >> 2)).replaceAll("FF", two(i));
    const { template, like, ...found } = detector.find(line) ?? {};
    const alone = new DateDetector(makeDateTemplates([], 2026, "f:1")).find(line);
    deepStrictEqual(
      { ...found, name: template?.name },
      { start: alone?.start, end: alone?.end, groups: alone?.groups, text: alone?.text, name: alone?.template.name },
      line,
    );
    if (like === undefined || alone === undefined) continue;
    alike++;
    const [at = 0, before = 0] = [alone, like.date].map((date) => resolveDate(date.template, date, { now }));
    strictEqual(before + like.laterMs, at, line);
  }
  ok(alike > 100, `${alike}`);
});
