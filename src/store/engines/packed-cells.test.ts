import assert from "node:assert/strict";
import { test } from "node:test";
import { compareKeys } from "./key-order.ts";
import { PackedCells } from "./packed-cells.ts";
import type { PackedPage } from "./sqlite-calls.ts";

const mark = "\x1f";

/** In the order of their texts, as the table gives them. */
function pageOf(from: number, count: number, expiresAt: (n: number) => number = () => 1_000): PackedPage {
  const numbers = Array.from({ length: count }, (_, i) => 10_000 + from + i);
  return {
    count,
    keys: numbers.map((n) => `key ${n} ж`).join(mark),
    states: numbers.map((n) => `d1,${n}`).join(mark),
    expiresAt: numbers.map(expiresAt).join(","),
  };
}

test("every cell of many pages is found once, with its own state and end", () => {
  const cells = new PackedCells();
  for (let page = 0; page < 20; page++) cells.add(pageOf(page * 500, 500, (n) => 1_700_000_000_000 + n));
  assert.equal(cells.size, 10_000);
  for (let n = 19_999; n >= 10_000; n--) {
    assert.ok(cells.has(`key ${n} ж`));
    assert.deepEqual(cells.take(`key ${n} ж`), { state: `d1,${n}`, expiresAt: 1_700_000_000_000 + n });
    assert.equal(cells.take(`key ${n} ж`), undefined);
    assert.ok(!cells.has(`key ${n} ж`));
  }
  assert.equal(cells.size, 0);
  cells.add(pageOf(7, 1));
  assert.deepEqual(cells.take("key 10007 ж"), { state: "d1,10007", expiresAt: 1_000 });
});

test("what was never added is not found, also when it shares a beginning", () => {
  const cells = new PackedCells();
  cells.add(pageOf(0, 100));
  for (const key of [
    "",
    "key 10000",
    "key 10001",
    "key 10099 ж ",
    "key 10100 ж",
    "zebra",
    `key 10001 ж${mark}key 10002 ж`,
  ])
    assert.equal(cells.take(key), undefined, key);
  assert.equal(cells.size, 100);
});

test("forgetting walks round and drops what is over, and the others only when there are too many", () => {
  const cells = new PackedCells();
  cells.add(pageOf(0, 10, (n) => (n % 2 === 0 ? 100 : 900)));
  cells.add(pageOf(10, 10, () => 900));
  assert.equal(cells.forget(25, 500, false), 0);
  assert.equal(cells.size, 15);
  assert.ok(!cells.has("key 10004 ж") && cells.has("key 10005 ж"));
  assert.equal(cells.forget(1_000, 500, true), 15);
  assert.equal(cells.size, 0);
});

test("keys are in the order of their bytes, which is not that of UTF-16", () => {
  const keys = ["a\uff5e", "a\u{1f600}", "b"].sort(compareKeys);
  const cells = new PackedCells();
  cells.add({ count: 3, keys: keys.join(mark), states: "d1,1\x1fd1,2\x1fd1,3", expiresAt: "7,8,9" });
  for (const [i, key] of keys.entries())
    assert.deepEqual(cells.take(key), { state: `d1,${i + 1}`, expiresAt: 7 + i }, key);
});
