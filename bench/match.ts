// What a question costs the matcher: 1 000 policies over 10 000 group members, in several mixes. `node bench/match.ts`
// prints microseconds a question; every number is the time of one `match` with a request the matcher has not just seen.
// `slowest` is the dearest of the 5 000 requests in its best run: what it costs where nothing else uses the machine.

import { parseIp } from "../src/core/ip.ts";
import type { Group, Member, Policy } from "../src/core/rules.ts";
import { compileMatcher } from "../src/policy/match/compile.ts";
import type { Request } from "../src/policy/request.ts";

const policies = 1_000;
const members = 10_000;
const questions = 200_000;

interface Mix {
  readonly name: string;
  readonly groups: readonly Group[];
  /** The members of the policy with this number. */
  readonly rule: (index: number) => readonly Member[];
  readonly request?: (index: number) => Partial<Request>;
}

const mixes: readonly Mix[] = [
  {
    name: "each policy: own customer group → not our domains",
    groups: [...customerGroups(), group("ours", domains("ours", 2_000))],
    rule: (i) => [member(`%customer${i}`, "!%ours")],
  },
  {
    name: "one group of 10 000 logins, policies by recipient domain",
    groups: [
      group(
        "users",
        many(members, (i) => `$user${i}@d${i % 500}.example`),
      ),
    ],
    rule: (i) => [member("%users", `@d${i}.example`)],
  },
  {
    name: "10 000 networks and domains in 100 nested groups",
    groups: [
      ...networkGroups(),
      group(
        "all",
        many(100, (i) => `%net${i}`),
      ),
    ],
    rule: (i) => [member(`%net${i % 100},!$-`, null), member("!%all", `@d${i}.example`)],
  },
  {
    name: "negations everywhere: every policy excludes groups",
    groups: [...networkGroups(), group("ours", ["!$*", ...domains("d", 5_000)])],
    rule: (i) => [member(`!%net${i % 100},$user${i}@d1.example`, "!%ours"), member(`!%net${i % 100}`, `a${i}@*`)],
  },
  {
    name: "10 000 members with AND and wildcards",
    groups: [
      group(
        "pairs",
        many(members, (i) => `10.${i >> 8}.${i & 255},a*@d${i % 500}.example`),
      ),
    ],
    rule: (i) => [member("%pairs", `*x@d${i}.example`), member(`!%pairs,.h${i}.example`, null)],
  },
  {
    name: "many negated groups, recipient not known (END-OF-MESSAGE)",
    groups: [
      ...networkGroups(),
      group(
        "ours",
        many(members, (i) => `@d${i}.example,!postmaster@*`),
      ),
    ],
    rule: (i) => [member("!%net1", "!%ours"), member(`$user${i}@d1.example`, `!%net${i % 100}`)],
    request: () => ({ recipient: "", state: "END-OF-MESSAGE" }),
  },
  {
    name: "10 000 members with AND, negated, client not known",
    groups: [
      group(
        "pairs",
        many(members, (i) => `10.${i >> 8}.${i & 255},a*@d${i % 500}.example`),
      ),
    ],
    rule: (i) => [member(`!%pairs,.h${i}.example`, null)],
    request: () => ({ client: undefined }),
  },
];

console.log(`${policies} policies, ${members} members, ${questions} questions a mix; microseconds a question`);
console.log("   mean     p50     p99    p999 slowest  matched  compile ms  mix");
for (const mix of mixes) run(mix);

function run(mix: Mix): void {
  const rules = many(policies, (i) => policy(i, mix.rule(i)));
  const before = performance.now();
  const matcher = compileMatcher({ groups: mix.groups, policies: rules, canonical: (login) => login });
  const compileMs = performance.now() - before;
  const requests = many(5_000, (i) => ({ ...requestOf(i), ...mix.request?.(i) }));
  const times = new Float64Array(questions);
  const fastest = new Float64Array(requests.length).fill(Number.POSITIVE_INFINITY);
  let matched = 0;
  for (let i = -50_000; i < questions; i++) {
    const index = (i + 50_000) % requests.length;
    const request = requests[index];
    if (request === undefined) continue;
    const start = process.hrtime.bigint();
    const found = matcher.match(request);
    if (i < 0) continue;
    const time = Number(process.hrtime.bigint() - start) / 1_000;
    times[i] = time;
    fastest[index] = Math.min(time, fastest[index] ?? time);
    matched += found.length;
  }
  print(mix.name, times, fastest, matched / questions, compileMs);
}

function print(name: string, times: Float64Array, fastest: Float64Array, matched: number, compileMs: number): void {
  const mean = times.reduce((sum, time) => sum + time, 0) / times.length;
  times.sort();
  const at = (share: number) => times[Math.floor(times.length * share)] ?? 0;
  const columns = [mean, at(0.5), at(0.99), at(0.999), Math.max(...fastest)]
    .map((value) => value.toFixed(2).padStart(7))
    .join(" ");
  console.log(`${columns}  ${matched.toFixed(2).padStart(7)}  ${compileMs.toFixed(0).padStart(10)}  ${name}`);
}

function requestOf(i: number): Request {
  const domain = `d${i % 700}.example`;
  const client = parseIp(i % 5 === 0 ? `2001:db8:${(i % 300).toString(16)}::1` : `10.${i % 50}.${i % 256}.${i % 200}`);
  return {
    state: "RCPT",
    instance: `i${i}`,
    queueId: "",
    sender: i % 20 === 0 ? "" : `a${i % 90}@${domain}`,
    recipient: `b${i % 40}@mail.d${(i * 7) % 1_500}.example`.replace(i % 2 === 0 ? "mail." : "", ""),
    recipientCount: 0,
    sizeBytes: 10_000,
    login: i % 3 === 0 ? "" : `user${i * 2}@d${(i * 2) % 500}.example`,
    client,
    clientName: `mx${i % 9}.h${i % 1_200}.example`,
    reverseName: `mx${i % 9}.h${i % 1_200}.example`,
    helo: "mx.example",
    serverPort: 587,
    context: "submission",
    tls: "TLSv1.3",
    peer: parseIp("127.0.0.1"),
    raw: "",
  };
}

function customerGroups(): Group[] {
  return many(1_000, (i) =>
    group(
      `customer${i}`,
      many(8, (n) => `$user${i * 8 + n}@d${(i * 8 + n) % 500}.example`),
    ),
  );
}

function networkGroups(): Group[] {
  return many(100, (i) =>
    group(`net${i}`, [...many(50, (n) => `10.${i}.${n * 5}.0/24`), ...many(50, (n) => `@d${i * 50 + n}.example`)]),
  );
}

function domains(prefix: string, count: number): string[] {
  return many(count, (i) => (i % 2 === 0 ? `@${prefix}${i}.example` : `@*.${prefix}${i}.example`));
}

function many<T>(count: number, make: (index: number) => T): T[] {
  return Array.from({ length: count }, (_, index) => make(index));
}

function group(name: string, list: readonly string[]): Group {
  return { name, enabled: true, comment: "", members: list };
}

function member(source: string | null, destination: string | null): Member {
  return { source, destination, enabled: true };
}

function policy(index: number, list: readonly Member[]): Policy {
  const rest = {
    priority: 50,
    mode: "enforce",
    onError: undefined,
    description: "",
    access: [],
    quotas: [],
    accounting: [],
  } as const;
  return { name: `policy ${index}`, enabled: true, members: list, ...rest };
}
