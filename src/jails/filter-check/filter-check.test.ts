import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { fail2banFolder } from "../../../tests/fail2ban-folder.ts";
import { FilterEngine } from "../fail2ban/filter-engine.ts";
import { type FilterDefinition, readFilter } from "../fail2ban/filter-reader.ts";
import { checkFilter } from "./filter-check.ts";
import { findForgeries } from "./forgery.ts";
import { knownEvents } from "./known-events.ts";
import { findSlowPatterns } from "./slow-patterns.ts";

const raw = String.raw;

function filter(t: TestContext, failregex: string, more = ""): FilterDefinition {
  const text = `[Definition]\nfailregex = ${failregex.replaceAll("%", "%%").replaceAll("\n", "\n  ")}\n${more}\n`;
  return readFilter({
    directory: fail2banFolder(t, { "filter.d/own.conf": text }),
    name: "own",
    parameters: new Map(),
  });
}

/** The filters of an own hand that ran beside cluebringer for years. */
const sasl = raw`(?i): warning: [-._\w]+\[<HOST>\]: SASL (?:LOGIN|PLAIN|(?:CRAM|DIGEST)-MD5) authentication failed(: [ A-Za-z0-9+/]*={0,2})?\s*$`;
const rates = raw`Connection rate limit exceeded: .* from (.*)\[<HOST>\] for service smtp`;
const quotas = raw`reject: RCPT from (.*)\[<HOST>\]: .*: LIMIT AT QUOTAUSE;`;

const verdicts: readonly (readonly [string, string, string | undefined, readonly string[]])[] = [
  ["passwords, on the Postfix of its time", sasl, "3.1.15", ["filter-forgeable"]],
  ["passwords, on a Postfix that names logins", sasl, "3.7.11", ["filter-matches-nothing", "filter-forgeable"]],
  ["passwords, on the first of its series that does", sasl, "3.5.22", ["filter-matches-nothing", "filter-forgeable"]],
  ["passwords, on the last of its series that does not", sasl, "3.5.21", ["filter-forgeable"]],
  ["connections", rates, undefined, ["filter-misses", "filter-forgeable"]],
  ["quotas", quotas, undefined, ["filter-forgeable"]],
];

for (const [name, failregex, postfixVersion, codes] of verdicts) {
  test(`the verdict on the own filter of ${name} is ${codes.join(" and ")}`, (t) => {
    const findings = checkFilter(filter(t, failregex), { postfixVersion });
    deepStrictEqual(
      findings.map((finding) => finding.code).filter((code) => code !== "filter-slow"),
      codes,
    );
    for (const finding of findings) match(finding.where, /filter\.d\/own\.conf:2$/);
  });
}

test("what a filter misses is named, and a line shown", (t) => {
  const [missed] = checkFilter(filter(t, rates));
  match(missed?.why ?? "", /submission.*465.*As: .*for service submission$/);
  const [nothing] = checkFilter(filter(t, sasl), { postfixVersion: "3.7.11" });
  match(nothing?.what ?? "", /finds no refused passwords of Postfix as Postfix 3\.7\.11 writes them/);
  match(nothing?.why ?? "", /sasl_username/);
});

test("the line that a forgery shows does name the other address", (t) => {
  for (const failregex of [sasl, rates, quotas]) {
    const definition = filter(t, failregex);
    const [forgery] = findForgeries(definition);
    const engine = new FilterEngine(definition, { now: Date.now });
    strictEqual(engine.see(forgery?.line ?? "")?.host, "198.51.100.66");
    match(forgery?.line ?? "", /203\.0\.113\.5/);
  }
});

for (const event of knownEvents) {
  test(`the mend for ${event.name} finds all forms and cannot be forged`, (t) => {
    const definition = filter(t, event.mend);
    for (const { line } of event.forms) {
      const host = new FilterEngine(definition, { now: Date.now }).see(`Nov 24 02:47:05 ${line}`)?.host;
      ok(host === "203.0.113.5" || host === "2001:db8::5", `${line}: ${host}`);
    }
    deepStrictEqual(checkFilter(definition), []);
  });
}

test("a filter that is not about mail is not blamed for lines of mail", (t) => {
  deepStrictEqual(checkFilter(filter(t, raw`login failed from <HOST>$`)), []);
});

test("a filter whose prefregex holds the address in its place is not forged", (t) => {
  const prefregex = raw`prefregex = ^\s*\S+ postfix/smtpd\[\d+\]: NOQUEUE: reject: RCPT from [^\[\]\s]*\[<HOST>\]: <F-CONTENT>.+</F-CONTENT>$`;
  deepStrictEqual(findForgeries(filter(t, raw`^554 .*: LIMIT AT QUOTAUSE;`, prefregex)), []);
});

const slow: readonly (readonly [string, boolean | undefined])[] = [
  [raw`^(?:a+)+ <HOST>$`, true],
  [raw`^(?:\w+\s?)+: <HOST>$`, true],
  [raw`^(?:"[^"]*"|\S+|\s)*: <HOST>$`, true],
  [raw`^(?: \w+=(?:"[^"]*"|\S+))* from <HOST>$`, true],
  [raw`^.*a.*a.*b <HOST>$`, false],
  [raw`^\s*\S+ postfix/smtpd\[\d+\]: .* from [^\[]*\[<HOST>\]$`, undefined],
  [raw`from <HOST>(?: port \d+)?$`, undefined],
];

for (const [failregex, soon] of slow) {
  test(`${failregex} ${soon === undefined ? "is quick" : soon ? "is slow on a short line" : "is slow on a long line"}`, (t) => {
    deepStrictEqual(
      findSlowPatterns(filter(t, failregex)).map((one) => one.soon),
      soon === undefined ? [] : [soon],
    );
  });
}
