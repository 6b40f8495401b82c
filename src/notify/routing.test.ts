import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Config } from "../config/config.ts";
import type { Notice } from "../core/notice.ts";
import { nextAt, quietUntil } from "./day-time.ts";
import { waysOf } from "./routing.ts";

const zone = "Europe/Kyiv";
/** 23:30 in Kyiv, winter time. */
const night = Date.parse("2026-01-10T21:30:00Z");
const noon = Date.parse("2026-01-10T10:00:00Z");

const channel = (name: string) =>
  ({
    name,
    kind: "ntfy",
    url: "https://n.example/t",
    allow_private: false,
    max_per_hour: 30,
    token: undefined,
    secret: undefined,
  }) as const;
const base: Config["notices"] = {
  ...{ language: "en", templates: "", dedupe: 0, digest_at: 8 * 60, quiet: undefined, keep_days: 90, rules: [] },
  channels: [channel("a"), channel("b")],
};
const notice: Notice = { kind: "ban", severity: "warning", subject: "192.0.2.1", at: noon, facts: {} };

describe("times of day", () => {
  const cases: readonly [name: string, now: string, minutes: number, expected: string][] = [
    ["later today", "2026-01-10T10:00:00Z", 13 * 60, "2026-01-10T11:00:00.000Z"],
    ["passed today", "2026-01-10T10:00:00Z", 8 * 60, "2026-01-11T06:00:00.000Z"],
    ["this very minute", "2026-01-10T10:00:30Z", 12 * 60, "2026-01-10T10:00:00.000Z"],
    ["summer time", "2026-07-10T10:00:00Z", 14 * 60, "2026-07-10T11:00:00.000Z"],
  ];
  for (const [name, now, minutes, expected] of cases) {
    test(name, () => assert.equal(new Date(nextAt(Date.parse(now), minutes, zone)).toISOString(), expected));
  }

  test("quiet hours over midnight end the next morning; outside there is no end", () => {
    const quiet = { from: 22 * 60, to: 7 * 60 };
    assert.equal(new Date(quietUntil(night, quiet, zone) ?? 0).toISOString(), "2026-01-11T05:00:00.000Z");
    assert.equal(quietUntil(noon, quiet, zone), undefined);
    assert.equal(quietUntil(noon, { from: 11 * 60, to: 13 * 60 }, zone), Date.parse("2026-01-10T11:00:00Z"));
  });
});

describe("ways of a notice", () => {
  test("without rules every channel hears of warnings, and nobody of less", () => {
    assert.deepEqual(
      waysOf(notice, base, zone, noon).map((way) => [way.channel, way.state]),
      [
        ["a", "waiting"],
        ["b", "waiting"],
      ],
    );
    assert.deepEqual(waysOf({ ...notice, severity: "info" }, base, zone, noon), []);
  });

  test("rules choose by kind and severity; at once beats a digest", () => {
    const settings = {
      ...base,
      rules: [
        { kinds: ["ban"], severity: "info", channels: ["a"], digest: true },
        { kinds: [], severity: "warning", channels: ["b"], digest: true },
        { kinds: ["ban"], severity: "warning", channels: ["b"], digest: false },
      ],
    } as const;
    assert.deepEqual(waysOf(notice, settings, zone, noon), [
      { channel: "a", state: "digest", dueAt: nextAt(noon, 480, zone) },
      { channel: "b", state: "waiting", dueAt: noon },
    ]);
    assert.deepEqual(waysOf({ ...notice, kind: "test", severity: "info" }, settings, zone, noon), []);
  });

  test("in quiet hours only what is critical goes out; the rest follows at their end", () => {
    const settings = { ...base, quiet: { from: 22 * 60, to: 7 * 60 } };
    const end = Date.parse("2026-01-11T05:00:00Z");
    assert.deepEqual(waysOf(notice, settings, zone, night)[0], { channel: "a", state: "digest", dueAt: end });
    const critical = { ...notice, severity: "critical" } as const;
    assert.deepEqual(waysOf(critical, settings, zone, night)[0], { channel: "a", state: "waiting", dueAt: night });
  });
});
