import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { eventsOf } from "../../../tests/mail-events.ts";
import { type MailEvent, mailKinds } from "../../core/event.ts";
import { Zone } from "../zone.ts";
import { parseProgram } from "./program.ts";
import { type MailReaderOptions, parseMessage } from "./reader.ts";

const cases = new URL("../../../tests/cases/logs/", import.meta.url);
const forged = "198.51.100.66";

/** `# about`, `# year=… zone=… kinds=…`, the log, a dashed line, the events as `log events` prints them. */
function readCase(name: string): {
  about: string;
  options: Partial<MailReaderOptions>;
  log: Buffer;
  expected: Record<string, unknown>[];
} {
  const text = readFileSync(new URL(name, cases), "utf8");
  const [, about = "", settings = "", body = ""] = /^# (.*)\n# (.*)\n([\s\S]*)$/.exec(text) ?? [];
  const [log = "", expected = ""] = body.split("\n-----\n");
  const value = (key: string) => new RegExp(`\\b${key}=(\\S+)`).exec(settings)?.[1] ?? "";
  return {
    about,
    options: { year: Number(value("year")), zone: Zone.parse(value("zone")) },
    log: Buffer.from(`${log}\n`),
    expected: expected
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line)),
  };
}

/** An event under the names of the interface, as far as a case asks for them. */
function shown(event: MailEvent | undefined, keys: readonly string[]): Record<string, unknown> {
  if (event === undefined) return {};
  const time = new Date(event.at).toISOString().replace(".000Z", "Z");
  const all: Record<string, unknown> = { ...event, time, queue_id: event.queueId, size: event.sizeBytes };
  return Object.fromEntries(keys.map((key) => [key, all[key]]));
}

for (const name of readdirSync(cases)) {
  const { about, options, log, expected } = readCase(name);
  test(`${name}: ${about}`, () => {
    const events = eventsOf(log, options);
    assert.deepEqual(
      events.map((event, i) => shown(event, Object.keys(expected[i] ?? { line: 0, kind: "" }))),
      expected,
    );
  });

  test(`${name}: no address is forged, and where chunks end makes no difference`, () => {
    const events = eventsOf(log, options);
    assert.ok(!events.some((event) => event.ip === forged));
    for (const chunk of [1, 7, 64, 1000]) assert.deepEqual(eventsOf(log, options, chunk), events);
  });
}

test("a kind that is not asked for is not told", () => {
  const { log, options } = readCase("postfix-versions.txt");
  for (const kind of mailKinds) {
    const all = eventsOf(log, options).filter((event) => event.kind === kind);
    assert.deepEqual(eventsOf(log, { ...options, kinds: [kind] }), all, kind);
  }
});

test("the prefilter never says no to an event", () => {
  const programs = [
    "postfix/smtpd",
    "postfix",
    "postfix/cleanup",
    "postfix/qmgr",
    "postfix/smtp",
    "postfix/postscreen",
    "dovecot",
    "imap-login",
    "auth",
  ];
  const texts = readdirSync(cases).flatMap((name) =>
    readCase(name)
      .log.toString("utf8")
      .split("\n")
      .map((line) => line.replace(/^.*?(?:\]|[a-z]): (?:\[ID [^\]]*\] )?/, "")),
  );
  for (const name of programs) {
    for (const text of texts) {
      const said = parseMessage(parseProgram(name), text.trimStart());
      const seen = eventsOf(Buffer.from(`Nov 24 02:47:05 mx ${name}[1]: ${text}\n`));
      assert.equal(seen.length, said === undefined ? 0 : 1, `${name}: ${text}`);
    }
  }
});
