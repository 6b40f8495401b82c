import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { draftMailEvent, type MailEvent, type MailSource } from "../../core/event.ts";
import { FailureMerge } from "./failure-merge.ts";

function failure(second: number, source: MailSource, user: string | null, more: Partial<MailEvent> = {}): MailEvent {
  return { ...draftMailEvent("auth_failure", source, "x"), at: second * 1000, ip: "192.0.2.1", user, ...more };
}

interface Row {
  readonly title: string;
  readonly events: readonly MailEvent[];
  readonly counts: readonly number[];
}

const rows: readonly Row[] = [
  {
    title: "a wrong SMTP password told by Dovecot and by Postfix is one",
    events: [failure(1, "dovecot-auth", "anna"), failure(2, "postfix", "Anna")],
    counts: [1, 0],
  },
  {
    title: "the order of the two does not matter",
    events: [failure(1, "postfix", "anna"), failure(1, "dovecot-auth", "anna")],
    counts: [1, 0],
  },
  {
    title: "Postfix before 3.5.22 does not name the user",
    events: [failure(1, "dovecot-auth", "anna"), failure(2, "postfix", null)],
    counts: [1, 0],
  },
  {
    title: "a line feed and a question mark in a name are told in two ways",
    events: [
      failure(1, "dovecot-auth", "x?nov"),
      failure(1, "postfix", "x?nnov"),
      failure(3, "dovecot-auth", "what?now"),
      failure(3, "postfix", "what?now"),
    ],
    counts: [1, 0, 1, 0],
  },
  {
    title: "two tries told twice are two",
    events: [
      failure(1, "dovecot-auth", "a"),
      failure(1, "postfix", "a"),
      failure(3, "dovecot-auth", "a"),
      failure(3, "postfix", "a"),
    ],
    counts: [1, 0, 1, 0],
  },
  {
    title: "two tries at once, told in one order and then in the other",
    events: [
      failure(1, "dovecot-auth", "a"),
      failure(1, "dovecot-auth", "a"),
      failure(2, "postfix", "a"),
      failure(2, "postfix", "a"),
    ],
    counts: [1, 1, 0, 0],
  },
  {
    title: "two tries told by one program are two",
    events: [failure(1, "postfix", "a"), failure(1, "postfix", "a")],
    counts: [1, 1],
  },
  {
    title: "another user is another failure",
    events: [failure(1, "dovecot-auth", "a"), failure(1, "postfix", "b")],
    counts: [1, 1],
  },
  {
    title: "another address is another failure",
    events: [failure(1, "dovecot-auth", "a"), failure(1, "postfix", "a", { ip: "192.0.2.2" })],
    counts: [1, 1],
  },
  {
    title: "what is ten seconds apart is not the same try",
    events: [failure(1, "dovecot-auth", "a"), failure(11, "postfix", "a")],
    counts: [1, 1],
  },
  {
    title: "an IMAP session's sum takes off what the auth process told of it",
    events: [
      failure(1, "dovecot-auth", "a"),
      failure(5, "dovecot-auth", "a"),
      failure(20, "dovecot", "a", { attempts: 3, overSeconds: 20 }),
    ],
    counts: [1, 1, 1],
  },
  {
    title: "a session without auth_verbose counts all its attempts",
    events: [failure(20, "dovecot", "a", { attempts: 3, overSeconds: 20 })],
    counts: [3],
  },
  {
    title: "a name that Dovecot cut is the same name",
    events: [failure(1, "dovecot-auth", `${"u".repeat(61)}...`), failure(1, "postfix", "u".repeat(100))],
    counts: [1, 0],
  },
  {
    title: "a refusal that the next passdb may take back is none",
    events: [failure(1, "dovecot-auth", "a", { reason: "unknown user - trying the next passdb" })],
    counts: [0],
  },
  { title: "other kinds count nothing", events: [{ ...failure(1, "postfix", "a"), kind: "reject" }], counts: [0] },
];

for (const { title, events, counts } of rows) {
  test(title, () => {
    const merge = new FailureMerge();
    assert.deepEqual(
      events.map((event) => merge.count(event)),
      counts,
    );
  });
}

test("any number of tries, each told twice, counts once each", () => {
  const tries = fc.array(
    fc.record({ second: fc.integer({ min: 0, max: 300 }), user: fc.constantFrom("a", "b"), first: fc.boolean() }),
    { maxLength: 30 },
  );
  fc.assert(
    fc.property(tries, (list) => {
      const merge = new FailureMerge();
      let counted = 0;
      for (const { second, user, first } of list.toSorted((x, y) => x.second - y.second)) {
        const sources: MailSource[] = first ? ["dovecot-auth", "postfix"] : ["postfix", "dovecot-auth"];
        for (const source of sources) counted += merge.count(failure(second, source, user));
      }
      assert.equal(counted, list.length);
    }),
  );
});

test("a hundred thousand addresses take bounded memory and bounded time", () => {
  const merge = new FailureMerge();
  const start = process.cpuUsage();
  for (let i = 0; i < 100_000; i++)
    merge.count(failure(i / 1000, "postfix", "a", { ip: `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}` }));
  for (let i = 0; i < 20_000; i++) merge.count(failure(100, "postfix", "a"));
  assert.ok(process.cpuUsage(start).user < 5_000_000);
});
