// The compiled matcher against a naive reading of the same rules, over random groups, policies and requests.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { contains, parseIp } from "../../core/ip.ts";
import type { Group, Member, Policy } from "../../core/rules.ts";
import type { Request } from "../request.ts";
import { compileMatcher } from "./compile.ts";
import type { Expression, Pattern } from "./expression.ts";
import { parseSpec } from "./parse.ts";

const runs = process.env.POSTVARTA_FULL === "1" ? 30_000 : 3_000;

type Side = "source" | "destination";
/** undefined is unknown. */
type Naive = boolean | undefined;

interface World {
  readonly groups: readonly Group[];
  readonly policies: readonly Policy[];
  readonly requests: readonly Request[];
}

test("the compiled matcher agrees with the naive one", () => {
  fc.assert(
    fc.property(worlds(), (world) => {
      const matcher = compileMatcher({ ...world, canonical });
      for (const request of world.requests) {
        const expected = [...world.policies.keys()].filter((index) => naivePolicy(world, index, request));
        assert.deepEqual(matcher.match(request), expected);
      }
    }),
    { numRuns: runs },
  );
});

test("explanations and single expressions agree with the naive matcher, mixed with questions", () => {
  fc.assert(
    fc.property(worlds(), fc.nat(), (world, pick) => {
      const matcher = compileMatcher({ ...world, canonical });
      for (const request of world.requests) {
        const index = pick % world.policies.length;
        const rule = world.policies[index];
        const matched = naivePolicy(world, index, request);
        assert.equal(matcher.match(request).includes(index), matched);
        assert.equal(matcher.explain(request, index).matched, matched);
        assert.equal(matcher.match(request).includes(index), matched);
        const text = rule?.members[0]?.source ?? "any";
        assert.equal(
          matcher.compileExpression(text, "source")(request),
          naiveText(world, text, "source", request) === true,
        );
      }
    }),
    { numRuns: runs / 3 },
  );
});

test("what a question matches is among what its login and sender may match", () => {
  fc.assert(
    fc.property(worlds(), (world) => {
      const matcher = compileMatcher({ ...world, canonical });
      for (const request of world.requests) {
        const may = matcher.mayMatch(request.login, request.sender);
        for (const index of matcher.match(request)) assert.ok(may.includes(index), `${index} of ${may}`);
      }
    }),
    { numRuns: runs },
  );
});

test("what an account may match leaves out what its login or sender rules out", () => {
  const may = [
    [{ source: "$ann@example.org", destination: null }, true],
    [{ source: "$bob@example.org", destination: null }, false],
    [{ source: "!$bob@example.org", destination: "@far.example" }, true],
    [{ source: "@other.example", destination: null }, false],
    [{ source: "192.0.2.0/24,@example.org", destination: null }, true],
    [{ source: ".example.net", destination: null }, true],
    [{ source: "!.example.net", destination: null }, true],
    [{ source: "$-", destination: null }, false],
    [{ source: "", destination: null }, false],
    [{ source: null, destination: "!@example.org" }, true],
  ] as const;
  const rest = { priority: 1, enabled: true, mode: "enforce", onError: undefined, description: "" } as const;
  const policies: Policy[] = may.map(([member], n) => {
    const members = [{ ...member, enabled: true }];
    return { name: `p${n}`, ...rest, members, access: [], quotas: [], accounting: [] };
  });
  const found = compileMatcher({ groups: [], policies, canonical }).mayMatch("ann@example.org", "ann@example.org");
  assert.deepEqual(
    found,
    [...may.keys()].filter((n) => may[n]?.[1]),
  );
});

test("each group's reason in an explanation holds by itself", () => {
  fc.assert(
    fc.property(worlds(), (world) => {
      const matcher = compileMatcher({ ...world, canonical });
      for (const request of world.requests) {
        for (const { source } of matcher.explain(request, 0).members) {
          for (const { because, text, outcome } of source.items) {
            if (because === undefined) continue;
            const group = naiveText(world, text.replace("!", ""), "source", request);
            assert.equal(naiveText(world, because.member, "group", request), group, `${text} ${outcome}`);
          }
        }
      }
    }),
    { numRuns: runs / 3 },
  );
});

function canonical(login: string): string {
  if (login === "alias") return "bob@x.org";
  return login.includes("@") ? login : `${login}@x.org`;
}

// The naive matcher: Kleene's logic over the AST, every pattern looked at by itself.

function naivePolicy(world: World, index: number, request: Request): boolean {
  const rule = world.policies[index];
  if (rule === undefined || !rule.enabled) return false;
  return rule.members.some(({ enabled, source, destination }) => {
    if (!enabled) return false;
    return [naiveText(world, source, "source", request), naiveText(world, destination, "destination", request)].every(
      (v) => v === true,
    );
  });
}

/** "group" reads a member's text and asks it of the source. */
function naiveText(world: World, text: string | null, side: Side | "group", request: Request): Naive {
  if (text === null) return true;
  const spec = parseSpec(text, side);
  assert.ok(spec.ok, `${text} is in the language`);
  return naiveExpression(world, spec.expression, side === "group" ? "source" : side, request);
}

function naiveExpression(world: World, expression: Expression, side: Side, request: Request): Naive {
  if (expression.kind !== "all") return expression.kind === "always";
  const values = expression.items.map(({ pattern, negated }) => {
    const value =
      pattern.kind === "group" ? naiveGroup(world, pattern.name, side, request) : naivePattern(pattern, side, request);
    return negated && value !== undefined ? !value : value;
  });
  if (values.includes(false)) return false;
  return values.includes(undefined) ? undefined : true;
}

function naiveGroup(world: World, name: string, side: Side, request: Request): Naive {
  const found = world.groups.find((each) => each.name === name);
  if (found === undefined || !found.enabled) return false;
  const values = found.members.map((text) => {
    const spec = parseSpec(text, "group");
    return spec.ok ? naiveExpression(world, spec.expression, side, request) : undefined;
  });
  if (values.includes(true)) return true;
  return values.includes(undefined) ? undefined : false;
}

function naivePattern(pattern: Pattern, side: Side, request: Request): Naive {
  if (side === "destination") {
    if (pattern.kind !== "address") return false;
    return request.recipient === "" ? undefined : naiveAddress(pattern.local, pattern.domain, request.recipient);
  }
  const noSender = request.sender === "" && request.state === "HELO";
  switch (pattern.kind) {
    case "client":
      return request.client === undefined ? undefined : contains(pattern.network, request.client);
    case "peer":
      return request.peer !== undefined && contains(pattern.network, request.peer);
    case "login":
      if (!pattern.glob.includes("*"))
        return request.login !== "" && canonical(pattern.glob) === canonical(request.login);
      return (
        request.login !== "" && [request.login, canonical(request.login)].some((each) => naiveGlob(pattern.glob, each))
      );
    case "any-login":
      return request.login !== "";
    case "no-login":
      return request.login === "";
    case "null-sender":
      return noSender ? undefined : request.sender === "";
    case "address":
      if (noSender) return undefined;
      return request.sender !== "" && naiveAddress(pattern.local, pattern.domain, request.sender);
    case "name":
      return request.clientName !== "" && naiveGlob(pattern.glob, request.clientName);
    case "ptr":
      return request.reverseName !== "" && naiveGlob(pattern.glob, request.reverseName);
    case "port":
      return request.serverPort === 0
        ? undefined
        : request.serverPort >= pattern.from && request.serverPort <= pattern.to;
    case "context":
      return request.context === pattern.label;
    case "tls":
      return pattern.on === (request.tls !== "");
    default:
      throw new Error(`no naive ${pattern.kind}`);
  }
}

function naiveAddress(local: string, domain: string, address: string): boolean {
  const full = address.includes("@") ? address : `${address}@`;
  const at = full.lastIndexOf("@");
  return naiveGlob(local, full.slice(0, at)) && naiveGlob(domain, full.slice(at + 1));
}

function naiveGlob(glob: string, text: string): boolean {
  const source = [...glob].map((c) => (c === "*" ? ".*" : c.replace(/[^a-z0-9]/g, "\\$&"))).join("");
  return new RegExp(`^${source}$`, "s").test(text);
}

// Small alphabets, so that things meet.

function worlds(): fc.Arbitrary<World> {
  return fc.record({
    groups: groupLists(),
    policies: fc.array(policyOf(), { minLength: 1, maxLength: 6 }),
    requests: fc.array(requestOf(), { minLength: 1, maxLength: 4 }),
  });
}

/** Group gN names only groups with a higher number, so there is no cycle. */
function groupLists(): fc.Arbitrary<Group[]> {
  const one = (index: number) => {
    const inner = [...groupNames.slice(index + 1), "absent"];
    const item = items(
      fc.oneof(
        { weight: 3, arbitrary: sourcePattern() },
        { weight: 2, arbitrary: fc.constantFrom(...inner.map((n) => `%${n}`)) },
      ),
    );
    return fc.record({
      name: fc.constant(groupNames[index] ?? ""),
      enabled: fc.integer({ min: 0, max: 9 }).map((n) => n > 0),
      comment: fc.constant(""),
      members: fc.array(item, { maxLength: 5 }),
    });
  };
  return fc.tuple(...groupNames.map((_, index) => one(index)));
}

function policyOf(): fc.Arbitrary<Policy> {
  const rest = {
    priority: 1,
    mode: "enforce",
    onError: undefined,
    description: "",
    access: [],
    quotas: [],
    accounting: [],
  } as const;
  const shape = { enabled: mostly(), members: fc.array(memberOf(), { maxLength: 3 }), name: fc.constant("p") };
  return fc.record(shape).map((fields) => ({ ...rest, ...fields }));
}

function memberOf(): fc.Arbitrary<Member> {
  const name = fc.constantFrom(...groupNames, "absent").map((each) => `%${each}`);
  const always = fc.constantFrom<string | null>(null, "any", "");
  const side = (pattern: fc.Arbitrary<string>) =>
    fc.oneof({ weight: 1, arbitrary: always }, { weight: 4, arbitrary: items(pattern) });
  return fc.record({
    source: side(fc.oneof(sourcePattern(), name)),
    destination: side(fc.oneof(address(), name)),
    enabled: mostly(),
  });
}

function mostly(): fc.Arbitrary<boolean> {
  return fc.integer({ min: 0, max: 9 }).map((n) => n > 0);
}

function items(pattern: fc.Arbitrary<string>): fc.Arbitrary<string> {
  const item = fc.tuple(fc.constantFrom("", "", "!"), pattern).map((pair) => pair.join(""));
  const length = fc.constantFrom(1, 1, 1, 2, 3);
  return length.chain((n) => fc.array(item, { minLength: n, maxLength: n })).map((list) => list.join(","));
}

const groupNames = ["g0", "g1", "g2", "g3", "g4"];

function address(): fc.Arbitrary<string> {
  const local = fc.constantFrom("", "a", "ab", "a*", "*b", "*");
  const domain = fc.constantFrom("x.org", "y.x.org", "z", "*.org", "*.x.org", "*", "*x.*", "y.*");
  return fc.tuple(local, domain).map((pair) => pair.join("@"));
}

function sourcePattern(): fc.Arbitrary<string> {
  const networks = ["10", "10.1", "10.1.2.3", "0.0.0.0/0", "2001:db8::/32", "::/0", "[127.0.0.1]", "[10]"];
  const logins = ["$*", "$-", "$bob", "$alias", "$b*", "$*@x.org", "$*@*"];
  const names = ["mx.x.org", ".x.org", "*.org", "m*.org", "ptr:mx.x.org", "ptr:.org", "name:y.org"];
  const others = ["@", "port:25", "port:20-30", "context:sub", "tls:yes", "tls:no"];
  return fc.oneof(address(), fc.constantFrom(...networks, ...logins), fc.constantFrom(...names, ...others));
}

function requestOf(): fc.Arbitrary<Request> {
  const mailbox = fc.constantFrom("", "a@x.org", "ab@x.org", "a@y.x.org", "b@z", "a", "ab@y.org", '"a@b"@x.org');
  const ip = fc.constantFrom(undefined, "10.1.2.3", "10.2.3.4", "192.0.2.1", "2001:db8::1", "2001:db9::1");
  return fc
    .record({
      state: fc.constantFrom("RCPT", "RCPT", "HELO"),
      sender: mailbox,
      recipient: mailbox,
      login: fc.constantFrom("", "bob", "alias", "bob@x.org", "carl@y.org"),
      client: ip.map((text) => parseIp(text ?? "")),
      clientName: fc.constantFrom("", "mx.x.org", "x.org", "y.org", "localhost"),
      reverseName: fc.constantFrom("", "mx.x.org", "a.b.org"),
      serverPort: fc.constantFrom(0, 25, 587),
      context: fc.constantFrom("", "sub"),
      tls: fc.constantFrom("", "TLSv1.3"),
      peer: fc.constantFrom(undefined, "127.0.0.1", "10.0.0.1").map((text) => parseIp(text ?? "")),
    })
    .map((fields) => ({ instance: "i", queueId: "", recipientCount: 0, sizeBytes: 0, helo: "", raw: "", ...fields }));
}
