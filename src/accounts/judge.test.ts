import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { addressIn, dayMs, home, hosting, hourMs, JudgeStage, mailCloud, otherHome, satellite } from "./judge-stage.ts";
import { scoreOf } from "./score.ts";

const user = "olena@poshta.example";
const others = ["a", "b", "c", "d", "e", "f", "g"].map((name) => `${name}@poshta.example`);

/** A site of eight accounts that has settled at home. */
function settled(): JudgeStage {
  const stage = new JudgeStage();
  stage.settleAll([user, ...others]);
  return stage;
}

function signalsOf(stage: JudgeStage): readonly string[] {
  return [
    ...new Set(
      stage.changes
        .filter((change) => change.account === user)
        .flatMap((change) => change.signals.map((signal) => signal.name)),
    ),
  ];
}

describe("what stays calm", () => {
  test("eleven networks' worth of addresses of one system in a day", () => {
    const stage = settled();
    for (let i = 0; i < 11; i++) stage.send(user, addressIn(otherHome(1), i * 300));
    assert.equal(stage.highest(user), "calm");
  });

  test("three hundred addresses of one carrier", () => {
    const stage = settled();
    for (let i = 0; i < 300; i++) stage.send(user, addressIn(otherHome(2), i * 200));
    assert.equal(stage.highest(user), "calm");
  });

  test("fifty privacy addresses of one IPv6 network", () => {
    const stage = settled();
    for (let i = 0; i < 50; i++) stage.send(user, `2a00:1:2:3::${(i + 1).toString(16)}`);
    assert.equal(stage.highest(user), "calm");
  });

  test("a hundred addresses of a cloud that sends for people", () => {
    const stage = settled();
    for (let i = 0; i < 100; i++) stage.send(user, addressIn(mailCloud, i * 300));
    assert.deepEqual(stage.changes, []);
  });

  test("three hundred addresses fail on one account and its owner comes from home", () => {
    const stage = settled();
    for (let i = 0; i < 300; i++) stage.fail(user, addressIn(100 + (i % 50), i));
    stage.send(user, addressIn(home, 10));
    assert.deepEqual(stage.changes, []);
  });

  test("five hundred identical failures from home", () => {
    const stage = settled();
    for (let i = 0; i < 500; i++) stage.fail(user, addressIn(home, 10));
    stage.send(user, addressIn(otherHome(3)));
    assert.equal(signalsOf(stage).includes("guessing_before"), false);
  });

  test("a newsletter of the usual size from the usual network", () => {
    const stage = settled();
    for (let day = 0; day < 8; day++) {
      stage.send(user, addressIn(home, 10), { recipients: 90, bounced: 3 });
      stage.now += dayMs;
    }
    assert.deepEqual(stage.changes, []);
  });

  test("colleagues behind one address who mistype and then succeed", () => {
    const stage = settled();
    const office = addressIn(otherHome(4), 9);
    for (const name of others) stage.fail(name, office);
    for (const name of others) stage.send(name, office);
    stage.send(user, office);
    assert.equal(signalsOf(stage).includes("known_guesser"), false);
  });

  test("logins by satellite and from rented servers are no travel", () => {
    const stage = settled();
    for (let i = 0; i < 6; i++) {
      stage.send(user, addressIn(satellite, i * 300));
      stage.send(user, addressIn(hosting, i * 300));
      stage.send(user, addressIn(home, 10));
    }
    assert.equal(signalsOf(stage).includes("impossible_travel"), false);
    assert.notEqual(stage.highest(user), "watch");
  });

  test("addresses without a network are nobody's novelty", () => {
    const stage = settled();
    for (const ip of ["10.0.0.1", "100.64.0.1", "198.51.100.1", "::1"]) stage.send(user, ip);
    assert.deepEqual(stage.changes, []);
  });
});

describe("what is noticed and not watched", () => {
  test("Kyiv, Warsaw, Berlin in three days with home roaming between", () => {
    const stage = settled();
    for (const network of [1, 2, 2]) {
      for (let i = 0; i < 4; i++) {
        stage.send(user, addressIn(i % 2 === 0 ? network : otherHome(5), 100 + i * 300));
        stage.now += 3 * hourMs;
      }
      stage.now += 12 * hourMs;
    }
    assert.notEqual(stage.highest(user), "watch");
    assert.notEqual(stage.highest(user), "high");
  });

  test("ten VPN exits of two carriers", () => {
    const stage = settled();
    for (let i = 0; i < 10; i++) {
      stage.send(user, addressIn(210 + (i % 2), i * 300));
      stage.now += hourMs;
    }
    assert.ok(["calm", "notice"].includes(stage.highest(user)));
  });

  test("a shared mailbox that uses thirteen networks of the country", () => {
    const stage = settled();
    for (let day = 0; day < 10; day++) {
      for (let i = 0; i < 13; i++) stage.send(user, addressIn((i * 20) % 200, 50 + i));
      stage.now += dayMs;
    }
    assert.ok(["calm", "notice"].includes(stage.highest(user)));
  });

  test("the first day of an account on three networks of the country", () => {
    const stage = settled();
    for (let i = 1; i < 4; i++) stage.send("fresh@poshta.example", addressIn(otherHome(i)));
    assert.equal(stage.highest("fresh@poshta.example"), "calm");
  });
});

describe("what is watched", () => {
  test("forty networks in twenty countries within a day are high, with the signals and their logins named", () => {
    const stage = settled();
    for (let i = 0; i < 40; i++) {
      stage.send(user, addressIn(i + 1));
      stage.now += 20 * 60_000;
    }
    assert.equal(stage.highest(user), "high");
    for (const name of ["new_networks", "new_countries", "impossible_travel"])
      assert.ok(signalsOf(stage).includes(name), name);
  });

  test("the points of the signals add up to the score", () => {
    const stage = settled();
    for (let i = 0; i < 12; i++) stage.send(user, addressIn(i + 1));
    const raised = stage.changes.filter((change) => change.level !== "calm");
    assert.ok(raised.length > 0);
    for (const { score, signals } of raised) {
      assert.equal(
        score,
        Math.min(
          100,
          signals.reduce((sum, signal) => sum + signal.points, 0),
        ),
      );
      assert.ok(signals.every((signal) => signal.because.length > 0));
    }
  });

  test("fifteen networks of the country, and every third recipient bounces", () => {
    const stage = settled();
    for (let i = 1; i < 10; i++) stage.send(user, addressIn(otherHome(i)), { recipients: 6, bounced: 2 });
    assert.ok(["watch", "high"].includes(stage.highest(user)));
  });

  test("one rented server, a fifth bounces: before the sixtieth recipient", () => {
    const stage = settled();
    let recipients = 0;
    while (stage.highest(user) !== "watch" && recipients < 200) {
      stage.send(user, addressIn(hosting), { recipients: 10, bounced: 2 });
      recipients += 10;
    }
    assert.ok(recipients < 60, `${recipients}`);
  });

  test("the first day of an account in ten countries", () => {
    const stage = settled();
    for (let i = 1; i < 11; i++) stage.send("fresh@poshta.example", addressIn(i));
    assert.ok(["watch", "high"].includes(stage.highest("fresh@poshta.example")));
  });

  test("a guesser's address that gets in is forty points, and watched with any second sign", () => {
    const stage = settled();
    for (let i = 0; i < 100; i++) stage.fail(others[i % others.length] ?? "", addressIn(13, i));
    for (const name of others) stage.fail(name, addressIn(13, 7));
    stage.send(user, addressIn(13, 7), { method: "LOGIN" });
    assert.ok(
      stage.changes.some((change) =>
        change.signals.some((signal) => signal.name === "known_guesser" && signal.points === 40),
      ),
    );
    assert.ok(["watch", "high"].includes(stage.highest(user)));
  });

  test("the owner's address in use before and after a login from abroad is a sign", () => {
    const stage = settled();
    for (let i = 0; i < 3; i++) {
      stage.send(user, addressIn(home, 10));
      stage.send(user, addressIn(19, i * 300));
    }
    stage.send(user, addressIn(home, 10));
    assert.ok(signalsOf(stage).includes("two_places"));
  });
});

describe("the owner's hours", () => {
  test("a login from elsewhere while the owner always sleeps is a sign, at a usual hour it is none", () => {
    for (const [hours, expected] of [
      [0, false],
      [12, true],
    ] as const) {
      const stage = new JudgeStage();
      stage.settleAll([user, ...others]);
      for (let i = 0; i < 30; i++) stage.send(user, addressIn(home, 10));
      stage.now += dayMs + hours * hourMs;
      stage.send(user, addressIn(1, 5));
      const { evidence } = stage.judge.look(user, stage.now) ?? {};
      const found = evidence === undefined ? [] : scoreOf(evidence).findings.map(({ name }) => name);
      assert.equal(found.includes("sleeping_hours"), expected, `${hours} h later`);
    }
  });
});

describe("what becomes familiar", () => {
  test("at level notice the networks at home, and not those abroad", () => {
    const stage = new JudgeStage({ levels: { notice: 6, watch: 101, high: 101 } });
    stage.settleAll([user, ...others]);
    for (let day = 0; day < 5; day++) {
      stage.send(user, addressIn(otherHome(1)));
      stage.send(user, addressIn(1, 5));
      stage.now += dayMs;
    }
    assert.equal(stage.highest(user), "notice");
    const { account } = stage.judge.look(user, stage.now) ?? {};
    const days = new Map(account?.networks.map(({ key, calmDays }) => [key, calmDays]));
    assert.ok((days.get(64_520) ?? 0) >= 3);
    assert.equal(days.get(64_501), 0);
  });

  test("a country after three calm days", () => {
    const stage = settled();
    for (let day = 0; day < 5; day++) {
      stage.send(user, addressIn(1, 5));
      stage.now += dayMs;
    }
    const before = stage.changes.length;
    for (let i = 0; i < 10; i++) stage.send(user, addressIn(1, i * 300));
    assert.equal(stage.changes.length, before);
  });

  test("never an attacker's networks, however many days he stays", () => {
    const stage = settled();
    for (let day = 0; day < 6; day++) {
      for (let i = 0; i < 15; i++) stage.send(user, addressIn(10 + i), { recipients: 5, bounced: 2 });
      stage.now += dayMs;
    }
    const levels = stage.changes.filter((change) => change.account === user).map((change) => change.level);
    assert.equal(levels.includes("calm"), false);
    assert.equal(levels.at(-1), "high");
  });

  test("and the level ends by itself after two quiet days, with nobody logging in", () => {
    const stage = settled();
    for (let i = 0; i < 8; i++) stage.send(user, addressIn(i + 1));
    assert.notEqual(stage.highest(user), "calm");
    for (let hour = 0; hour < 24 * 8; hour++) stage.judge.due(stage.now + hour * hourMs);
    assert.equal(stage.changes.at(-1)?.level, "calm");
  });
});

describe("names and repetition", () => {
  test("User@Dom, user@dom and a bare user are one account", () => {
    const stage = new JudgeStage();
    for (const name of ["Olena@Poshta.Example", "olena@poshta.example", "olena"]) stage.send(name, addressIn(home));
    assert.equal(stage.judge.size, 1);
  });

  test("a hostile name is a text like any other", () => {
    const stage = new JudgeStage();
    stage.send("x'); DROP TABLE--", addressIn(home));
    stage.send("__proto__", addressIn(home));
    assert.equal(stage.judge.size, 2);
  });

  test("clients without an address are left out", () => {
    const stage = new JudgeStage();
    stage.send(user, "unknown");
    assert.equal(stage.judge.size, 0);
  });

  test("the old rule is a signal that counts when it is given points", () => {
    const stage = new JudgeStage({ networkCount: { networks: 10, days: 2, points: 50 } });
    stage.settleAll([user, ...others]);
    for (let i = 0; i < 11; i++) stage.send(user, addressIn((i * 20) % 200, i));
    for (let i = 1; i < 3; i++) stage.send(user, addressIn(i));
    assert.ok(signalsOf(stage).includes("network_count"));
  });
});
