// Cases 1-38 of the takeover's acceptance table (those about matching), with what Postvarta answers, and the words beyond cluebringer.

import assert from "node:assert/strict";
import { test } from "node:test";
import { parseIp } from "../../core/ip.ts";
import type { Group, Policy } from "../../core/rules.ts";
import type { Request } from "../request.ts";
import { compileMatcher } from "./compile.ts";
import { parseSpec } from "./parse.ts";

const base: Request = {
  state: "RCPT",
  instance: "i1",
  queueId: "",
  sender: "a@example.com",
  recipient: "b@example.org",
  recipientCount: 0,
  sizeBytes: 0,
  login: "",
  client: parseIp("192.0.2.10"),
  clientName: "mx.example.net",
  reverseName: "mx.example.net",
  helo: "mx.example.net",
  serverPort: 25,
  context: "",
  tls: "",
  peer: parseIp("127.0.0.1"),
  raw: "",
};

function group(name: string, members: readonly string[], enabled = true): Group {
  return { name, enabled, comment: "", members };
}

type Sides = readonly [source: string | null, destination: string | null, enabled?: boolean];

function policy(members: readonly Sides[], enabled = true): Policy {
  const list = members.map(([source, destination, on = true]) => ({ source, destination, enabled: on }));
  const rest = {
    priority: 10,
    mode: "enforce",
    onError: undefined,
    description: "",
    access: [],
    quotas: [],
    accounting: [],
  } as const;
  return { name: "p", enabled, members: list, ...rest };
}

interface Given {
  readonly request?: Partial<Request>;
  readonly groups?: readonly Group[];
  readonly aliases?: Readonly<Record<string, string>>;
}

function matches(rule: Policy, given: Given): boolean {
  const canonical = (login: string) => new Map(Object.entries(given.aliases ?? {})).get(login) ?? login;
  const matcher = compileMatcher({ groups: given.groups ?? [], policies: [rule], canonical });
  const request = { ...base, ...given.request };
  const matched = matcher.match(request).length === 1;
  assert.equal(matcher.explain(request, 0).matched, matched, "explain agrees");
  return matched;
}

type Row = readonly [
  title: string,
  source: string | null,
  destination: string | null,
  expected: boolean,
  given?: Given,
];

const v6 = { request: { client: parseIp("2001:db8::1") } };
const nullSender = { request: { sender: "" } };
const bob = { request: { login: "bob" } };
const unixPeer = { request: { peer: undefined } };
const noClient = { request: { client: undefined } };
const noRecipient = { request: { state: "END-OF-MESSAGE", recipient: "" } };
const g = (...members: string[]) => ({ groups: [group("g", members)] });

const chain = (length: number) =>
  Array.from({ length }, (_, i) => group(`g${i + 1}`, [i + 1 === length ? "@example.com" : `%g${i + 2}`]));

const rows: readonly Row[] = [
  ["1 null to null", null, null, true],
  ["2 any to ANY", "any", "ANY", true],
  ["2 null as a word", "NULL", "null", true],
  ["3 an empty source is never", "", null, false],
  ["3 an empty destination is never", null, "", false],
  ["4 two items are ANDed", "192.0.2.0/24,@example.com", null, true],
  ["5 a blank after the comma does not matter", "192.0.2.0/24, @example.com", null, true],
  ["6 one false item", "192.0.2.0/24,@example.net", null, false],
  ["7 a negated network", "!192.0.3.0/24,@example.com", null, true],
  ["8 three parts", "192.0.2", null, true],
  ["8 two parts", "192.0", null, true],
  ["8 one part", "192", null, true],
  ["8 one part, another network", "193", null, false],
  ["8 one part with a length", "192/8", null, true],
  ["10 IPv6", "2001:db8::/32", null, true, v6],
  ["11 IPv6 in capitals", "2001:DB8::/32", null, true, v6],
  ["12 all of IPv4 is not IPv6", "0.0.0.0/0", null, false, v6],
  ["12 not IPv4, of an IPv6 client", "!0.0.0.0/0", null, true, v6],
  ["13 a mapped client", "192.0.2.0/24", null, true, { request: { client: parseIp("::ffff:192.0.2.10") } }],
  ["13 a mapped network", "::ffff:192.0.2.0/120", null, true],
  ["14 the peer", "[127.0.0.0/8]", null, true],
  ["14 the peer, short", "[127]", null, true],
  ["14 another peer", "[10.0.0.0/8]", null, false],
  ["14 not this peer", "![10.0.0.0/8]", null, true],
  ["14 a Unix socket has no peer", "[127.0.0.0/8]", null, false, unixPeer],
  ["14 a Unix socket is not this peer", "![127.0.0.0/8]", null, true, unixPeer],
  ["15 the pattern's case does not matter", "@EXAMPLE.com", null, true],
  ["16 a subdomain is another domain", "@example.com", null, false, { request: { sender: "a@sub.example.com" } }],
  ["17 a wildcard for subdomains", "@*.example.com", null, true, { request: { sender: "a@sub.example.com" } }],
  ["17 subdomains are not the domain", "@*.example.com", null, false],
  ["18 a user of any domain", "a@*", null, true],
  ["18 another user of any domain", "b@*", null, false],
  ["18 a wildcard in the user", "*@example.com", null, true],
  ["18 a wildcard in both", "a*@ex*.com", null, true],
  ["19 a plus is a plus", "u+t@example.com", null, true, { request: { sender: "u+t@example.com" } }],
  ["19 a plus repeats nothing", "u+t@example.com", null, false, { request: { sender: "uut@example.com" } }],
  ["19 a dot is a dot", "@exampleXcom.org", null, false, { request: { sender: "a@example.com.org" } }],
  ["20 the null sender", "@", null, true, nullSender],
  ["20 a sender is not null", "@", null, false],
  ["20 not the null sender", "!@", null, false, nullSender],
  ["20 before MAIL no sender is known", "@", null, false, { request: { sender: "", state: "HELO" } }],
  ["20 before MAIL not even the negation", "!@", null, false, { request: { sender: "", state: "HELO" } }],
  ["21 the null sender is of no domain", "!@example.com", null, true, nullSender],
  ["21 the null sender has no wildcard", "@*", null, false, nullSender],
  ["22 a login", "$BOB", null, true, bob],
  ["22 an alias", "$info", null, true, { ...bob, aliases: { info: "bob@x", bob: "bob@x" } }],
  ["22 not this login, not logged in", "!$bob", null, true],
  ["23 any login", "$*", null, true, bob],
  ["23 any login, not logged in", "$*", null, false],
  ["23 not logged in", "$-", null, true],
  ["23 not logged in, of bob", "$-", null, false, bob],
  ["23 not not logged in", "!$-", null, true, bob],
  ["24 logins of a domain", "$*@example.com", null, true, { request: { login: "bob@example.com" } }],
  ["24 a bare login of the default domain", "$*@x", null, true, { ...bob, aliases: { bob: "bob@x" } }],
  ["24 a wildcard sees the login as used", "$b*b", null, true, { ...bob, aliases: { bob: "bob@x" } }],
  ["25 a host", "mx.example.net", null, true],
  ["25 hosts below a domain", ".example.net", null, true],
  ["25 hosts below a domain with a star", "*.example.net", null, true],
  ["25 name: is the same", "name:mx.example.net", null, true],
  ["25 only reversed", "mx.example.net", null, false, { request: { clientName: "" } }],
  ["25 only reversed, negated", "!mx.example.net", null, true, { request: { clientName: "" } }],
  ["25 ptr: is the reverse name", "ptr:*.example.net", null, true, { request: { clientName: "" } }],
  ["26 only confirmed", "mx.example.net", null, true, { request: { reverseName: "" } }],
  ["27 below a domain is not the domain", ".example.net", null, false, { request: { clientName: "example.net" } }],
  ["29 a recipient's domain", null, "@example.org", true],
  ["29 a recipient", null, "b@example.org", true],
  ["29 not this domain", null, "!@example.org", false],
  ["29 not another domain", null, "!@example.net", true],
  ["30 this domain without one", null, "@example.org,!b@example.org", false],
  ["30 neither domain", null, "!@example.com,!@example.net", true],
  ["32 a group", "%g", null, true, g("@example.com")],
  ["32 not a group", "!%g", null, false, g("@example.com")],
  ["32 a group's case matters", "%G", null, false, g("@example.com")],
  ["32 a group of the recipient", null, "%g", true, g("@example.org")],
  ["32 a group of sources says nothing of recipients", null, "%g", false, g("192.0.2.10", "@example.com")],
  ["32 and is negated so", null, "!%g", true, g("192.0.2.10", "@example.com")],
  ["33 an empty group", "%g", null, false, g()],
  ["33 not an empty group", "!%g", null, true, g()],
  ["33 a disabled group", "%g", null, false, { groups: [group("g", ["@example.com"], false)] }],
  ["33 not a disabled group", "!%g", null, true, { groups: [group("g", ["@example.com"], false)] }],
  ["33 an absent group", "%g", null, false],
  ["33 not an absent group", "!%g", null, true],
  ["34 false members", "%g", null, false, g("!192.0.2.10", "@nowhere.tld")],
  ["34 a negated member", "%g", null, true, g("!192.0.2.11", "@nowhere.tld")],
  ["34 a comma in a member is AND", "%g", null, false, g("192.0.2.10,@nowhere.tld")],
  ["34 a comma in a member is AND, both true", "%g", null, true, g("192.0.2.10,@example.com")],
  ["35 a group twice", "%g,%g", null, true, g("@example.com")],
  [
    "35 a shared group",
    "%a,%b",
    null,
    true,
    { groups: [group("a", ["%c"]), group("b", ["%c"]), group("c", ["@example.com"])] },
  ],
  ["36 six nested groups", "%g1", null, true, { groups: chain(6) }],
  ["36 seven nested groups", "%g1", null, true, { groups: chain(7) }],
  ["36 thirty-two nested groups", "%g1", null, true, { groups: chain(32) }],
  ["36 thirty-three nested groups", "%g1", null, false, { groups: chain(33) }],
  ["36 a group in itself", "%g", null, false, g("@example.com", "%g")],
  ["36 ten thousand nested groups", "%g1", null, false, { groups: chain(10_000) }],
  ["93 no client address", "192.0.2.0/24", null, false, noClient],
  ["93 no client address, negated", "!192.0.3.0/24", null, false, noClient],
  [
    "93 no client address in a group, negated",
    "!%g",
    null,
    false,
    { ...noClient, ...g("192.0.3.0/24", "@nowhere.tld") },
  ],
  ["93 a group true without the address", "%g", null, true, { ...noClient, ...g("192.0.3.0/24", "@example.com") }],
  ["93 a group false without the address", "!%g", null, true, { ...noClient, ...g("192.0.3.0/24,@nowhere.tld") }],
  ["93 several recipients", null, "@example.org", false, noRecipient],
  ["93 several recipients, negated", null, "!@example.org", false, noRecipient],
  ["93 several recipients, negated group", null, "!%g", false, { ...noRecipient, ...g("@example.net") }],
  ["93 several recipients, any", null, "any", true, noRecipient],
  ["93 a sender without domain", "root@*", null, true, { request: { sender: "root" } }],
  ["93 a sender without domain is not of it", "!@example.com", null, true, { request: { sender: "root" } }],
  ["93 postmaster", null, "postmaster@*", true, { request: { recipient: "postmaster" } }],
  ["a port", "port:25", null, true],
  ["another port", "port:587", null, false],
  ["a range of ports", "port:20-25", null, true],
  ["an unknown port", "!port:587", null, false, { request: { serverPort: 0 } }],
  ["a context", "context:sub", null, true, { request: { context: "sub" } }],
  ["a context's case matters", "context:Sub", null, false, { request: { context: "sub" } }],
  ["no context is not this one", "!context:sub", null, true],
  ["with TLS", "tls:yes", null, true, { request: { tls: "TLSv1.3" } }],
  ["without TLS", "tls:no", null, true],
  ["without TLS, negated", "!tls:yes", null, true],
  [
    "an international domain, written as it is",
    "@münchen.de",
    null,
    true,
    { request: { sender: "a@xn--mnchen-3ya.de" } },
  ],
  ["an international domain, in A-labels", "@xn--mnchen-3ya.de", null, true, { request: { sender: "a@münchen.de" } }],
  ["an international domain, below", null, "@*.münchen.de", true, { request: { recipient: "a@x.xn--mnchen-3ya.de" } }],
  ["an address literal", "a@[192.0.2.1]", null, true, { request: { sender: "a@[192.0.2.1]" } }],
];

for (const [title, source, destination, expected, given = {}] of rows) {
  test(`case ${title}: ${source} → ${destination}`, () => {
    assert.equal(matches(policy([[source, destination]]), given), expected);
  });
}

test("case 37: a disabled policy and a disabled member never match", () => {
  assert.equal(matches(policy([[null, null]], false), {}), false);
  assert.equal(matches(policy([[null, null, false]]), {}), false);
});

test("case 38: the second of two members suffices", () => {
  const rule = policy([
    ["@nowhere.tld", null],
    ["@example.com", "@example.org"],
  ]);
  assert.equal(matches(rule, {}), true);
});

const refused: readonly (readonly [text: string, side: "source" | "destination" | "group", hint: RegExp])[] = [
  ["192.0.2.300", "source", /0 to 255/],
  ["!192.0.2.300", "source", /0 to 255/],
  ["192.0.2.0/33", "source", /\/32/],
  ["010.0.0.1", "source", /leading noughts/],
  ["192.0.2.*", "source", /`192\.0\.2`/],
  ["2001:db8::/129", "source", /\/128/],
  ["fe80::1%eth0", "source", /zone/],
  ["[mx.example.net]", "source", /four parts/],
  ["a@", "source", /`a@\*`/],
  ["@.example.com", "source", /`@\*\.example\.com`/],
  ["@example.com.", "source", /last dot/],
  ["a b@example.com", "source", /quotes/],
  ["!any", "source", /remove/],
  ["any,@example.com", "source", /leave it out/],
  ["@example.com,null", "source", /leave it out/],
  ["junk", "source", /\$junk.*%junk.*@junk/],
  ["!junk", "source", /\$junk/],
  ["name:junk", "source", /dot/],
  ["colour:red", "source", /words/],
  ["bad!host.net", "source", /host\.domain/],
  ["-mx.example.net", "source", /host\.domain/],
  ["mx..example.net", "source", /host\.domain/],
  ["a,,b", "source", /dot/],
  ["@example.com,", "source", /extra comma/],
  ["!", "source", /!item/],
  ["! @example.com", "source", /`!@example\.com`/],
  ["!!@example.com", "source", /`!@example\.com`/],
  ["%", "source", /%name/],
  ["$", "source", /\$login/],
  ["port:0", "source", /65535/],
  ["port:70000", "source", /65535/],
  ["port:25-20", "source", /65535/],
  ["context:", "source", /policy_context/],
  ["tls:maybe", "source", /tls:yes/],
  ["@exam\nple.com", "source", /printable/],
  ["@".repeat(5000), "source", /%group/],
  ["192.0.2.0/24", "destination", /source/],
  ["!192.0.2.0/24", "destination", /source/],
  ["$bob", "destination", /source/],
  ["[127.0.0.1]", "destination", /source/],
  ["port:25", "destination", /source/],
  ["@", "destination", /source/],
  ["mx.example.net", "destination", /`@mx\.example\.net`/],
  [".example.net", "destination", /`@\*\.example\.net`/],
  ["any", "group", /policy's member/],
  ["", "group", /remove/],
];

for (const [text, side, hint] of refused) {
  test(`refused in a ${side}, with the mend: ${JSON.stringify(text.slice(0, 40))}`, () => {
    const spec = parseSpec(text, side);
    assert.ok(!spec.ok);
    assert.match(spec.hint, hint);
    assert.notEqual(spec.message, "");
  });
}

test("a blank around a comma and an empty text are accepted with a warning, and nothing else is", () => {
  const warningsOf = (text: string) => {
    const spec = parseSpec(text, "source");
    return spec.ok ? spec.warnings.join() : "refused";
  };
  assert.match(warningsOf("@example.com ,192.0.2.1"), /blanks/);
  assert.match(warningsOf(""), /never matches/);
  assert.equal(warningsOf("@example.com,192.0.2.1,%g"), "");
});

test("groups are told once each, in order, with their case", () => {
  const spec = parseSpec("%b,!%A,%b,@example.com", "destination");
  assert.deepEqual(spec.ok ? spec.groups : [], ["b", "A"]);
});

test("explain names the member of each group on the way, and what is unknown", () => {
  const groups = [group("outer", ["@nowhere.tld", "%inner"]), group("inner", ["192.0.2.0/24", "@example.com"])];
  const rule = policy([["%outer,!port:587", "!@example.net"]]);
  const matcher = compileMatcher({ groups, policies: [rule], canonical: (login) => login });
  const seen = matcher.explain({ ...base, client: undefined, serverPort: 0 }, 0);
  const inner = {
    text: "%inner",
    outcome: "true",
    because: { member: "@example.com", items: [{ text: "@example.com", outcome: "true" }] },
  };
  assert.deepEqual(seen.members[0]?.source, {
    text: "%outer,!port:587",
    outcome: "unknown",
    items: [
      { text: "%outer", outcome: "true", because: { member: "%inner", items: [inner] } },
      { text: "!port:587", outcome: "unknown" },
    ],
  });
  assert.equal(seen.members[0]?.destination.outcome, "true");
  assert.equal(seen.matched, false);
});

test("explain tells of a disabled policy what it would match, also of a request that was just asked", () => {
  const rule = policy([["@example.com", "@example.org"]], false);
  const matcher = compileMatcher({ groups: [], policies: [rule], canonical: (login) => login });
  assert.deepEqual(matcher.match(base), []);
  const seen = matcher.explain(base, 0);
  assert.deepEqual([seen.matched, seen.enabled, seen.members[0]?.matched], [false, false, true]);
});

test("an expression of its own looks at the same groups, before and after questions", () => {
  const matcher = compileMatcher({
    groups: [group("ours", ["@example.org"])],
    policies: [],
    canonical: (login) => login,
  });
  assert.deepEqual(matcher.match(base), []);
  const internal = matcher.compileExpression("%ours", "destination");
  const external = matcher.compileExpression("!%ours,!@example.net", "destination");
  const other = { ...base, recipient: "c@example.com" };
  assert.deepEqual([internal(base), external(base), internal(other), external(other)], [true, false, false, true]);
  assert.throws(() => matcher.compileExpression("$bob", "destination"), /nothing about the recipient/);
});

test("a stored member that cannot be read never matches, negated or not", () => {
  const given = { groups: [group("g", ["junk"])] };
  assert.equal(matches(policy([["junk", null]]), given), false);
  assert.equal(matches(policy([["!junk", null]]), given), false);
  assert.equal(matches(policy([["%g", null]]), given), false);
  assert.equal(matches(policy([["!%g", null]]), given), false);
});
