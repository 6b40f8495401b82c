import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { fail2banFolder } from "../../../tests/fail2ban-folder.ts";
import { FilterEngine } from "./filter-engine.ts";
import { readFilter } from "./filter-reader.ts";

const raw = String.raw;
const start = Date.UTC(2026, 10, 24, 12);

/** A filter of these options over messages without dates; `now` moves by a second a line. */
function engine(t: TestContext, options: string): (line: string, afterMs?: number) => string | undefined {
  const directory = fail2banFolder(t, { "filter.d/own.conf": `[Definition]\n${options}\n` });
  let now = start;
  const definition = readFilter({ directory, name: "own", parameters: new Map() });
  const filter = new FilterEngine(definition, { now: () => now, journal: true });
  return (line, afterMs = 1_000) => {
    now += afterMs;
    const failure = filter.see(line);
    if (failure === undefined) return undefined;
    const user = failure.fields.get("users") ?? failure.fields.get("user");
    return [failure.id, ...(user === undefined ? [] : [user].flat()), failure.matches.length].join(" ");
  };
}

const connection = raw`prefregex = ^<F-MLFID>\[\d+\]</F-MLFID> <F-CONTENT>.+</F-CONTENT>$
failregex = ^<F-NOFAIL>connect</F-NOFAIL> from <HOST>$
  ^refused <F-USER>\S+</F-USER>$
  ^<F-NOFAIL>hello</F-NOFAIL> <F-USER>\S+</F-USER>$
  ^<F-MLFFORGET><F-NOFAIL>bye</F-NOFAIL></F-MLFFORGET>$
  ^<F-MLFFORGET><F-MLFGAINED>welcome</F-MLFGAINED></F-MLFFORGET>$`;

type Step = readonly [line: string, gives: string | undefined, afterMs?: number];

/** Each line of a connection and what it gives: id, users, number of lines. */
const connections: readonly (readonly [string, readonly Step[]])[] = [
  [
    "the address of one line and the user of another are one failure with both lines",
    [
      ["[1] connect from 192.0.2.1", undefined],
      ["[1] refused anna", "192.0.2.1 anna 2"],
      ["[1] refused anna", "192.0.2.1 anna 1"],
    ],
  ],
  [
    "connections are kept apart",
    [
      ["[1] connect from 192.0.2.1", undefined],
      ["[2] connect from 192.0.2.2", undefined],
      ["[2] refused bob", "192.0.2.2 bob 2"],
      ["[1] refused anna", "192.0.2.1 anna 2"],
    ],
  ],
  [
    "a failure without an address waits for the line that has it",
    [
      ["[1] refused anna", undefined],
      ["[1] connect from 192.0.2.1", "192.0.2.1 anna 2"],
    ],
  ],
  [
    "what a connection said before is forgotten with its last line",
    [
      ["[1] connect from 192.0.2.1", undefined],
      ["[1] bye", undefined],
      ["[1] refused anna", undefined],
    ],
  ],
  [
    "somebody who tried several names is no user who found his password",
    [
      ["[1] connect from 192.0.2.1", undefined],
      ["[1] hello anna", undefined],
      ["[1] hello bob", "192.0.2.1 anna bob 3"],
    ],
  ],
  [
    "a connection that came in gives nothing",
    [
      ["[1] connect from 192.0.2.1", undefined],
      ["[1] hello anna", undefined],
      ["[1] welcome", undefined],
    ],
  ],
  [
    "a connection is remembered for five minutes",
    [
      ["[1] connect from 192.0.2.1", undefined],
      ["[1] refused anna", undefined, 301_000],
    ],
  ],
];

for (const [name, steps] of connections) {
  test(name, (t) => {
    const see = engine(t, connection);
    deepStrictEqual(
      steps.map(([line, , afterMs]) => see(line, afterMs)),
      steps.map(([, gives]) => gives),
    );
  });
}

test("of a hundred connections the oldest is forgotten first", (t) => {
  const see = engine(t, connection);
  for (let i = 0; i <= 100; i++) see(`[${i}] connect from 192.0.2.${i}`, 0);
  deepStrictEqual([see("[1] refused anna"), see("[0] refused anna")], ["192.0.2.1 anna 2", undefined]);
});

test("a window of lines is searched as one text, and what matched leaves it", (t) => {
  const see = engine(t, `maxlines = 3\nfailregex = ^refused <F-USER>\\S+</F-USER>\\n.*from <HOST>$`);
  deepStrictEqual(
    ["refused anna", "by us from 192.0.2.1", "by us from 192.0.2.2", "refused bob", "x", "from 192.0.2.3"].map((line) =>
      see(line),
    ),
    [undefined, "192.0.2.1 anna 2", undefined, undefined, undefined, undefined],
  );
});

test("lines that were skipped stay in the window", (t) => {
  const see = engine(t, `maxlines = 4\nfailregex = ^open <F-USER>\\S+</F-USER><SKIPLINES>from <HOST>$`);
  deepStrictEqual(
    ["open anna", "open bob", "from 192.0.2.1", "from 192.0.2.2"].map((line) => see(line)),
    [undefined, undefined, "192.0.2.1 anna 2", "192.0.2.2 bob 2"],
  );
});

test("the first regular expression that matches speaks, and ignoreregex has the last word", (t) => {
  const see = engine(
    t,
    `failregex = ^a from <HOST>$\n  ^.* <F-USER>\\w+</F-USER> from <HOST>$\n  ^.*from <HOST>$\nignoreregex = friend`,
  );
  deepStrictEqual(
    ["a from 192.0.2.1", "x anna from 192.0.2.1", "from 192.0.2.1", "a friend from 192.0.2.1"].map((line) => see(line)),
    ["192.0.2.1 1", "192.0.2.1 anna 1", "192.0.2.1 1", undefined],
  );
});

const ids: readonly (readonly [string, string, string, string | undefined])[] = [
  ["a mapped address is the IPv4 address", "from <HOST>$", "from ::ffff:192.0.2.1", "192.0.2.1 1"],
  ["an address of IPv6 has one form", "from <HOST>$", "from 2001:0DB8:0::1", "2001:db8::1 1"],
  ["brackets around an address are its own", "from <ADDR>$", "from [2001:db8::1]", "2001:db8::1 1"],
  ["a network keeps its length", "from <SUBNET>$", "from 192.0.2.0/24", "192.0.2.0/24 1"],
  ["what is no address stays text", "from <HOST>$", "from 192.0.2.09", "192.0.2.09 1"],
  ["a name stays a name", "from <HOST>$", "from mail.example.org", "mail.example.org 1"],
  ["an id goes before an address", "<F-ID>\\w+</F-ID> from <HOST>$", "anna from 192.0.2.1", "anna 1"],
  [
    "an empty other group gives way",
    "user=<F-USER>\\w*</F-USER><F-ALT_USER>\\w*</F-ALT_USER> <HOST>$",
    "user=anna 192.0.2.1",
    "192.0.2.1 anna 1",
  ],
];

for (const [name, failregex, line, expected] of ids) {
  test(name, (t) => strictEqual(engine(t, `failregex = ${failregex}`)(line), expected));
}

test("a filter that looks for addresses alone takes no name", (t) => {
  strictEqual(engine(t, "usedns = no\nfailregex = from <HOST>$")("from mail.example.org"), undefined);
});

test("more than 8 KiB of a line are not looked at", (t) => {
  const see = engine(t, "failregex = <HOST>$");
  strictEqual(see(`${"x ".repeat(5_000)}192.0.2.1`), undefined);
});

test("letters of other alphabets are letters", (t) => {
  const see = engine(t, raw`failregex = ^\w+ <F-USER>\w+</F-USER> <HOST>$`);
  strictEqual(see("отказ имя 192.0.2.1"), "192.0.2.1 имя 1");
});

test("an own id and the address beside it are both told, and the fields of a line are there for who asks", (t) => {
  const options = raw`failregex = ^by <F-ID>\S+</F-ID> from <HOST> as <F-USER>\S+</F-USER>( again)?$`;
  const directory = fail2banFolder(t, { "filter.d/own.conf": `[Definition]\n${options}\n` });
  const definition = readFilter({ directory, name: "own", parameters: new Map() });
  const failure = new FilterEngine(definition, { now: () => start, journal: true }).see(
    "by anna from ::ffff:192.0.2.7 as bob again",
  );
  deepStrictEqual(
    [failure?.id, failure?.host, failure?.matches],
    ["anna", "anna", ["by anna from ::ffff:192.0.2.7 as bob again"]],
  );
  deepStrictEqual(Object.fromEntries(failure?.fields ?? []), {
    fid: "anna",
    ip: "192.0.2.7",
    ip4: "192.0.2.7",
    user: "bob",
  });
});
