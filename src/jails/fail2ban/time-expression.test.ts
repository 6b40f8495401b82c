import { ok, strictEqual } from "node:assert/strict";
import { test } from "node:test";
import { evaluateFormula, parseSeconds } from "./time-expression.ts";

test("spans of time are read as Fail2ban reads them", () => {
  const cases: Readonly<Record<string, number | undefined>> = {
    "600": 600,
    "10m": 600,
    "1M": 60,
    "1d12h": 129_600,
    "1h 30m": 5400,
    "1mo": 2_629_800,
    "1year-6mo": 15_778_800,
    "2*3600": 7200,
    "-1": -1,
    "(1+1)*1h": 7200,
    "1.5h": 5400,
    "2 weeks": 1_209_600,
    "1 DAY": 86_400,
    "360000": 360_000,
    "1fortnight": undefined,
    "": undefined,
    "1/0": undefined,
    "process.exit(1)": undefined,
    "1;2": undefined,
  };
  for (const [text, want] of Object.entries(cases)) strictEqual(parseSeconds(text), want, text);
  strictEqual(parseSeconds("(".repeat(500)), undefined);
  strictEqual(parseSeconds("-".repeat(500)), undefined);
});

test("formulas of a growing bantime give what Python gives", () => {
  const facts = { time: 600, count: 3, factor: 1 };
  const usual = "ban.Time * (1<<(ban.Count if ban.Count<20 else 20)) * banFactor";
  strictEqual(evaluateFormula(usual, facts), 4800);
  strictEqual(evaluateFormula(usual, { ...facts, count: 40 }), 600 * 2 ** 20);
  const curve = "ban.Time * math.exp(float(ban.Count+1)*banFactor)/math.exp(1*banFactor)";
  ok(Math.abs((evaluateFormula(curve, facts) ?? 0) - 600 * Math.exp(3)) < 1e-6);
  strictEqual(evaluateFormula("min(ban.Time, 60) ** 2 // 7", facts), 514);
  for (const bad of [
    "__import__('os')",
    "ban.Time.__class__",
    "constructor(1)",
    "toString()",
    "ban.Time ban.Time",
    "1 if 2",
  ]) {
    strictEqual(evaluateFormula(bad, facts), undefined, bad);
  }
});
