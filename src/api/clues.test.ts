import assert from "node:assert/strict";
import { test } from "node:test";
import { Zone } from "../logs/zone.ts";
import { type Clues, readClues } from "./clues.ts";

const zone = Zone.parse("Europe/Kyiv") ?? Zone.ofMachine();
const now = Date.parse("2026-11-24T12:00:00Z");
const time = Date.parse("2026-11-24T09:03:04Z");

const cases: readonly (readonly [title: string, pasted: string, clues: Omit<Clues, "ids">])[] = [
  [
    "a refused recipient",
    "Nov 24 11:03:04 mx1 postfix/smtpd[811]: NOQUEUE: reject: RCPT from unknown[203.0.113.9]: 554 5.7.1 <D@out.test>: Recipient address rejected: LIMIT AT QUOTAUSE; from=<user1@example.test> to=<D@out.test> proto=ESMTP helo=<laptop>",
    {
      time,
      client: "203.0.113.9",
      sender: "user1@example.test",
      recipient: "d@out.test",
      text: "LIMIT AT QUOTAUSE",
    },
  ],
  [
    "a refused message, with the time as rsyslog writes it",
    "2026-11-24T11:03:04.000000+02:00 mx1 postfix/submission/smtpd[811]: 4QabcZ1x2Y: reject: END-OF-MESSAGE from host.example[2001:db8::1]: 554 5.7.1 <END-OF-MESSAGE>: End-of-data rejected: LIMIT AT QUOTAUSE; from=<user1@example.test> to=<a@out.test> proto=ESMTP helo=<laptop>",
    {
      ...{ time, client: "2001:db8::1", sender: "user1@example.test", recipient: "a@out.test" },
      ...{ queueId: "4QabcZ1x2Y", text: "LIMIT AT QUOTAUSE" },
    },
  ],
  [
    "a message put on hold",
    "Nov 24 11:03:04 mx1 postfix/smtpd[811]: 0C0F3FA1: hold: RCPT from a.example[192.0.2.7]: <b@out.test>: Recipient address looks odd; from=<a@b.test> to=<b@out.test> proto=ESMTP helo=<x>",
    { time, client: "192.0.2.7", sender: "a@b.test", recipient: "b@out.test", queueId: "0C0F3FA1" },
  ],
  [
    "the text of a bounce, broken into lines",
    "<bob@out.test>: host mx1.example.org[192.0.2.1] said: 554 5.7.1 <bob@out.test>: Recipient\n    address rejected: LIMIT AT\n    QUOTAUSE (in reply to RCPT TO command)",
    { recipient: "bob@out.test", text: "LIMIT AT QUOTAUSE" },
  ],
  [
    "a line of our own log",
    "info decision id=1NA0Z3K7C verdict=reject from=a@b.test to=c@d.test client=192.0.2.7 queue_id=4QabcZ1x2Y",
    { client: "192.0.2.7", sender: "a@b.test", recipient: "c@d.test", queueId: "4QabcZ1x2Y" },
  ],
  ["a time alone", "2026-11-24T09:03:04Z", { time }],
  ["a time of the day's minute", "2026-11-24 11:03", { time: time - 4_000 }],
  ["a text", "limit at quotause", {}],
];

for (const [title, pasted, expected] of cases) {
  test(`clues of ${title}`, () => {
    const { ids: _, ...clues } = readClues(pasted, zone, now);
    assert.deepEqual(clues, expected);
  });
}

test("words that may be a decision's id are found in a line, also in small letters", () => {
  assert.deepEqual(readClues("rejected: too many, ask for 1na0z3k7c", zone, now).ids, ["1NA0Z3K7C"]);
  assert.deepEqual(readClues("decision id=1NA0Z3K7CABC verdict=reject", zone, now).ids, ["1NA0Z3K7CABC"]);
});

test("a long hostile text is read at once", () => {
  const from = performance.now();
  for (const part of ["from [", "to=<", "rejected: ", "<a@", "a: ", "from a[1"]) readClues(part.repeat(700), zone, now);
  assert.ok(performance.now() - from < 2_000);
});
