import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { addressIn, dayMs, home, hourMs, JudgeStage, otherHome } from "./judge-stage.ts";
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

describe("two places at once", () => {
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

  test("and the level ends by itself after two quiet days, with nobody logging in", () => {
    const stage = settled();
    for (let i = 0; i < 8; i++) stage.send(user, addressIn(i + 1));
    assert.notEqual(stage.highest(user), "calm");
    for (let hour = 0; hour < 24 * 8; hour++) stage.judge.due(stage.now + hour * hourMs);
    assert.equal(stage.changes.at(-1)?.level, "calm");
  });
});

describe("names and repetition", () => {
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
