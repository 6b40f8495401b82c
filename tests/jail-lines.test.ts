// From lines of Postfix and Dovecot to tickets: what each own jail counts, whom it spares, and what hostile lines come to.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { FailuresWrite } from "../src/jails/jail-words.ts";
import { hostileLines, innocent } from "./hostile-lines.ts";
import { JailHouse, jailsBegin } from "./jail-house.ts";

const minute = 60_000;
const hour = 60 * minute;

const smtpd = (text: string) => `postfix/submission/smtpd[7]: ${text}`;
const refused = (ip: string, user = "ceo@example.org") =>
  smtpd(`warning: unknown[${ip}]: SASL LOGIN authentication failed: UGFzc3dvcmQ6, sasl_username=${user}`);
const login = (ip: string, user: string) =>
  smtpd(`4ABCD: client=unknown[${ip}], sasl_method=PLAIN, sasl_username=${user}`);
const overQuota = (ip: string, user = "") =>
  smtpd(
    `NOQUEUE: reject: RCPT from unknown[${ip}]: 554 5.7.1 <a@example.net>: Recipient address rejected: LIMIT AT QUOTAUSE; from=<u@example.org> to=<a@example.net> proto=ESMTP helo=<c>${user && ` sasl_method=LOGIN sasl_username=${user}`}`,
  );
const limit = (ip: string) =>
  smtpd(`warning: Connection rate limit exceeded: 31 from unknown[${ip}] for service submission`);
const unknownUser = (ip: string, user: string) => `dovecot: auth: passwd-file(${user},${ip}): unknown user`;
const screened = (ip: string, reply = "550 5.7.1 Service unavailable; client [x] blocked using zen.example") =>
  `postfix/postscreen[8]: NOQUEUE: reject: RCPT from [${ip}]:4711: ${reply}; from=<a@b.example>, to=<c@d.example>, proto=ESMTP, helo=<h>`;

const times = <T>(count: number, make: (i: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i));

interface Case {
  readonly title: string;
  readonly lines: readonly string[];
  readonly banned: readonly string[];
}

const cases: readonly Case[] = [
  {
    title: "three wrong passwords are no ban",
    lines: times(3, () => refused("192.0.2.7")),
    banned: [],
  },
  {
    title: "four wrong passwords are one",
    lines: times(4, () => refused("192.0.2.7")),
    banned: ["192.0.2.7 wrong-password"],
  },
  {
    title: "IPv6 is banned by its /64, whatever address of it fails",
    lines: times(4, (i) => refused(`2001:db8:1:2::${i + 1}`)),
    banned: ["2001:db8:1:2::/64 wrong-password"],
  },
  {
    title: "a mapped address is the IPv4 address",
    lines: times(4, (i) => refused(i % 2 === 0 ? "::ffff:192.0.2.7" : "192.0.2.7")),
    banned: ["192.0.2.7 wrong-password"],
  },
  {
    title: "documentation and test ranges are banned like any address",
    lines: times(4, () => refused("203.0.113.9")),
    banned: ["203.0.113.9 wrong-password"],
  },
  {
    title: "loopback is trusted",
    lines: [...times(9, () => refused("127.0.0.1")), ...times(9, () => refused("::1"))],
    banned: [],
  },
  {
    title: "limits of anvil count, of any service",
    lines: times(4, () => limit("192.0.2.8")),
    banned: ["192.0.2.8 connection-limit"],
  },
  {
    title: "mail over a quota counts",
    lines: times(4, () => overQuota("192.0.2.9")),
    banned: ["192.0.2.9 quota-refusal"],
  },
  {
    title: "an account over its quota bans the address it goes on from",
    lines: times(4, (i) => overQuota(`192.0.2.${i + 1}`, "stolen@example.org")),
    banned: ["192.0.2.4 quota-refusal"],
  },
  {
    title: "another refusal is no quota's",
    lines: times(9, () => overQuota("192.0.2.9").replace("LIMIT AT QUOTAUSE;", "Relay access denied;")),
    banned: [],
  },
  {
    title: "names that do not exist count, also for accounts that differ",
    lines: times(4, (i) => unknownUser("192.0.2.10", `u${i}@example.org`)),
    banned: ["192.0.2.10 wrong-password", "192.0.2.10 unknown-user", "192.0.2.10 spraying"],
  },
  {
    title: "permanent refusals of postscreen count, temporary ones do not",
    lines: [
      ...times(4, () => screened("192.0.2.11")),
      ...times(9, () => screened("192.0.2.12", "450 4.3.2 Service currently unavailable")),
    ],
    banned: ["192.0.2.11 postscreen"],
  },
  {
    title: "one wrong password that two daemons tell of is one",
    lines: times(3, () => [
      `dovecot: auth: passwd-file(ceo@example.org,192.0.2.13): Password mismatch`,
      refused("192.0.2.13"),
    ]).flat(),
    banned: [],
  },
];

describe("own jails", () => {
  for (const { title, lines, banned } of cases) {
    test(title, () => {
      const house = new JailHouse();
      house.see(...lines);
      assert.deepEqual(house.banned, banned);
    });
  }

  test("a ticket tells its lines and how the count grew", () => {
    const house = new JailHouse();
    for (let i = 0; i < 4; i++) {
      house.now = jailsBegin + i * minute;
      house.see(refused("192.0.2.7", `u@example.org`));
    }
    const [ticket] = house.tickets;
    assert.deepEqual(
      ticket?.curve.map(({ at, count }) => [at - jailsBegin, count]),
      [0, 1, 2, 3].map((i) => [i * minute, i + 1]),
    );
    assert.ok(ticket?.curve.every(({ line }) => line?.includes("sasl_username=u@example.org")));
    assert.equal(ticket?.reason, "4 wrong passwords within 10m");
  });

  test("failures that spread over a network ban the narrowest prefix that holds enough of them", () => {
    const house = new JailHouse();
    house.see(...times(30, (i) => refused(`192.0.2.${64 + (i % 10)}`, `u${i}@example.org`)));
    assert.ok(house.banned.includes("192.0.2.64/28 wrong-password"), house.banned.join());
  });

  test("a jail that is off counts nothing", () => {
    const house = new JailHouse({ jails: { wrong_password: { enabled: false }, spraying: { enabled: false } } });
    house.see(...times(9, () => refused("192.0.2.7")));
    assert.deepEqual(house.report.jails.map(({ name }) => name).includes("wrong-password"), false);
    assert.deepEqual(house.banned, []);
  });
});

describe("who is spared", () => {
  test("an account that logged in lately from the network is treated mildly, and a stranger is not", () => {
    const house = new JailHouse();
    house.see(login("192.0.2.7", "olena@example.org"));
    house.see(...times(8, () => refused("192.0.2.99", "Olena@example.org")));
    assert.deepEqual(house.banned, []);
    assert.deepEqual(house.report.softened[0]?.because, "known account");
    house.see(...times(4, () => refused("198.51.100.1", "olena@example.org")));
    assert.deepEqual(house.banned, ["198.51.100.1 wrong-password"]);
    house.see(...times(12, () => refused("192.0.2.99", "olena@example.org")));
    const last = house.tickets.at(-1);
    assert.deepEqual([last?.id, last?.jail, last?.bantimeMs], ["192.0.2.99", "wrong-password", 10 * minute]);
  });

  test("an office behind one address is treated mildly, whoever mistypes there", () => {
    const house = new JailHouse();
    house.see(...times(3, (i) => login("192.0.2.7", `u${i}@example.org`)));
    house.see(...times(10, (i) => refused("192.0.2.7", `u${i % 3}@example.org`)));
    assert.deepEqual(house.banned, []);
    assert.ok(house.report.jails.some(({ name, counts }) => name === "wrong-password" && counts.softened === 10));
  });

  test("what is known of logins is written, and holds after a restart until it is old", () => {
    const house = new JailHouse();
    house.see(login("192.0.2.7", "olena@example.org"), login("192.0.2.7", "olena@example.org"));
    const logins = house.writes.flatMap((write) => (write.kind === "login" ? [write.login] : []));
    assert.equal(logins.length, 1);
    const again = new JailHouse({ start: { logins } });
    again.see(...times(4, () => refused("192.0.2.99", "olena@example.org")));
    assert.deepEqual(again.banned, []);
    again.now += 31 * 24 * hour;
    again.see(...times(4, () => refused("192.0.2.99", "olena@example.org")));
    assert.deepEqual(again.banned, ["192.0.2.99 wrong-password"]);
  });

  test("a login takes back the failures of its own account only", () => {
    const house = new JailHouse({ jails: { wrong_password: { mild: false } } });
    const both = ["olena@example.org", "ceo@example.org", "olena@example.org"];
    house.see(...both.map((user) => refused("192.0.2.7", user)), login("192.0.2.7", "olena@example.org"));
    house.see(refused("192.0.2.7", "x@example.org"), refused("192.0.2.7", "y@example.org"));
    assert.deepEqual(
      house.banned.filter((row) => row.endsWith("wrong-password")),
      [],
    );
    house.see(refused("192.0.2.7", "z@example.org"));
    assert.deepEqual(
      house.banned.filter((row) => row.endsWith("wrong-password")),
      ["192.0.2.7 wrong-password"],
    );
  });

  test("trusted networks are never counted, until their trust ends", () => {
    const trusted = [{ network: "192.0.2.0/24", until: jailsBegin + hour }];
    const house = new JailHouse({ start: { trusted } });
    house.see(...times(9, () => refused("192.0.2.7")));
    assert.deepEqual(house.banned, []);
    assert.ok(house.report.jails.some(({ counts }) => counts.exempt === 9));
    house.now += 2 * hour;
    house.see(...times(4, () => refused("192.0.2.7")));
    assert.deepEqual(house.banned, ["192.0.2.7 wrong-password"]);
  });

  test("our own outage bans nobody", () => {
    const house = new JailHouse();
    const outage = (i: number) => [
      smtpd(
        `NOQUEUE: reject: RCPT from unknown[192.0.2.${i % 50}]: 451 4.3.5 <a@example.org>: Recipient address rejected: Server configuration problem; from=<u@example.org> to=<a@example.org> proto=ESMTP helo=<c>`,
      ),
      smtpd(
        `warning: unknown[192.0.2.${i % 50}]: SASL LOGIN authentication failed: Connection lost to authentication server`,
      ),
      smtpd(`warning: unknown[192.0.2.${i % 50}]: SASL PLAIN authentication failed: generic failure`),
    ];
    house.see(...times(200, outage).flat());
    assert.deepEqual(house.banned, []);
  });
});

describe("time", () => {
  test("a failure counts for findtime and no longer", () => {
    const house = new JailHouse();
    for (let i = 0; i < 12; i++) {
      house.now = jailsBegin + i * 4 * minute;
      house.see(refused("192.0.2.7"));
    }
    assert.deepEqual(house.banned, []);
  });

  test("old logs ban nobody, read at the start or put behind the log", () => {
    for (const isLive of [false, true]) {
      const house = new JailHouse();
      house.isLive = isLive;
      house.see(...times(9, () => ({ at: jailsBegin - 365 * 24 * hour, message: refused("192.0.2.7") })));
      assert.deepEqual(house.banned, []);
    }
  });

  test("lines of a clock that is wrong count as written now", () => {
    const house = new JailHouse();
    house.see(...times(4, () => ({ at: jailsBegin - 2 * hour, message: refused("192.0.2.7") })));
    assert.equal(house.tickets[0]?.at, jailsBegin);
  });

  test("stamps of the future count as now and poison no window", () => {
    const house = new JailHouse();
    house.see(...times(2, () => ({ at: jailsBegin + 10 * 365 * 24 * hour, message: refused("192.0.2.7") })));
    house.now += 20 * minute;
    house.see(...times(3, () => refused("192.0.2.7")));
    assert.deepEqual(house.banned, []);
    house.see({ at: jailsBegin + 9 * 365 * 24 * hour, message: refused("192.0.2.7") });
    assert.equal(house.tickets[0]?.at, house.now);
  });
});

describe("restart and unban", () => {
  test("what was counted is counted again, and a ban starts from nought", () => {
    const first = new JailHouse();
    first.see(...times(3, () => refused("192.0.2.7")), ...times(5, () => refused("192.0.2.8")));
    const failures = first.writes.filter((write): write is FailuresWrite => write.kind === "failures");
    const second = new JailHouse({ start: { failures, now: jailsBegin + minute } });
    second.now = jailsBegin + minute;
    second.see(refused("192.0.2.7"), ...times(2, () => refused("192.0.2.8")));
    assert.deepEqual(second.banned, ["192.0.2.7 wrong-password"]);
  });

  test("an unban forgets what was counted, also by a network around the address", () => {
    for (const network of ["192.0.2.7", "192.0.2.0/24"]) {
      const house = new JailHouse();
      house.see(...times(3, () => refused("192.0.2.7")));
      house.ask({ kind: "bans", added: [], removed: [], forgiven: [{ network, jail: undefined }] });
      house.see(...times(3, () => refused("192.0.2.7")));
      assert.deepEqual(house.banned, []);
      assert.deepEqual(house.ask({ kind: "failing", jail: "wrong-password", limit: 5 }), [
        { id: "192.0.2.7", count: 3, at: jailsBegin },
      ]);
    }
  });

  test("lines of a banned address are a leak once the ban has taken effect, and the first is told", () => {
    const house = new JailHouse();
    const ban = { address: "192.0.2.7", jail: "wrong-password", from: jailsBegin, until: undefined, ports: undefined };
    const told = () => house.writes.flatMap((write) => (write.kind === "leak" ? [write.leak] : []));
    house.ask({ kind: "bans", added: [ban], removed: [], forgiven: [] });
    house.see(refused("192.0.2.7"));
    assert.deepEqual([house.report.leaks.lines, told()], [0, []]);
    house.now += minute;
    house.see(refused("192.0.2.7"), refused("192.0.2.7"));
    assert.equal(house.report.leaks.lines, 2);
    const leak = { address: "192.0.2.7", ban: "192.0.2.7", jail: "wrong-password", since: jailsBegin };
    assert.deepEqual(told(), [{ ...leak, lines: 1, at: house.now }]);
    house.ask({ kind: "bans", added: [], removed: [ban], forgiven: [] });
    house.see(refused("192.0.2.7"));
    assert.equal(house.report.leaks.lines, 2);
  });
});

describe("hostile lines", () => {
  for (const line of hostileLines) {
    test(`nobody else is banned by ${line.slice(0, 60)}…`, () => {
      const house = new JailHouse();
      house.see(...times(20, () => line));
      assert.ok(
        !house.writes.some((write) => JSON.stringify(write).includes(`"${innocent}"`)),
        JSON.stringify(house.banned),
      );
      assert.deepEqual(
        house.banned.filter((row) => row.startsWith(innocent)),
        [],
      );
    });
  }

  test("ten thousand failures for one account ban addresses and touch no account", () => {
    const house = new JailHouse();
    for (let i = 0; i < 5; i++)
      house.see(...times(2_000, (n) => refused(`10.${n >> 8}.${n & 255}.${i + 1}`, "ceo@example.org")));
    assert.ok(house.tickets.every(({ id }) => !id.includes("ceo")));
  });

  test("a million addresses of one /64 are one entry", () => {
    const house = new JailHouse();
    for (let piece = 0; piece < 20; piece++)
      house.see(...times(500, (i) => refused(`2001:db8::${(piece * 500 + i).toString(16)}:1`, `u${i}@example.org`)));
    const failing = house.report.jails.map(({ failing }) => failing);
    assert.ok(Math.max(...failing) <= 1, failing.join());
    assert.ok(house.banned.includes("2001:db8::/64 wrong-password"));
  });
});
