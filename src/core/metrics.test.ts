import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { Metrics } from "./metrics.ts";

/** A strict reader of the text format: every sample's value by its name and labels. Throws at the first mistake. */
function readExposition(text: string): ReadonlyMap<string, number> {
  const samples = new Map<string, number>();
  const types = new Map<string, string>();
  assert.ok(text === "" || text.endsWith("\n"), "the last line has its end");
  for (const line of text.split("\n").slice(0, -1)) {
    const type = /^# TYPE ([a-zA-Z_:][a-zA-Z0-9_:]*) (counter|gauge|histogram)$/.exec(line);
    if (type !== null) {
      assert.ok(!types.has(type[1] ?? ""), `a second TYPE: ${line}`);
      types.set(type[1] ?? "", type[2] ?? "");
      continue;
    }
    if (/^# HELP [a-zA-Z_:][a-zA-Z0-9_:]* (?:[^\\\n]|\\\\|\\n)*$/.test(line)) continue;
    const label = String.raw`[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\\\|\\"|\\n)*"`;
    const form = new RegExp(String.raw`^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(${label}(?:,${label})*)\})? (\S+)$`);
    const sample = form.exec(line);
    assert.ok(sample !== null, `not a sample: ${JSON.stringify(line)}`);
    const [, name = "", labels = "", value = ""] = sample;
    assert.ok(
      types.has(name) || types.get(name.replace(/_(bucket|sum|count)$/, "")) === "histogram",
      `no TYPE before ${line}`,
    );
    const id = `${name}{${labels}}`;
    assert.ok(!samples.has(id), `told twice: ${id}`);
    samples.set(id, value === "+Inf" ? Number.POSITIVE_INFINITY : Number(value));
  }
  return samples;
}

describe("metrics", () => {
  test("a counter counts for each set of labels, whatever the order they are written in", async () => {
    const metrics = new Metrics();
    const asked = metrics.counters("asked_total", "Questions.", ["state", "action"]);
    asked({ state: "RCPT", action: "dunno" }).add();
    asked({ action: "dunno", state: "RCPT" }).add(2);
    asked({ state: "DATA", action: "dunno" }).add();
    const samples = readExposition(await metrics.render());
    assert.deepEqual(
      [...samples],
      [
        ['asked_total{action="dunno",state="RCPT"}', 3],
        ['asked_total{action="dunno",state="DATA"}', 1],
      ],
    );
  });

  test("a histogram's buckets add up, and a value on an edge belongs below it", async () => {
    const metrics = new Metrics();
    const seconds = metrics.histogram("wait_seconds", "Waiting.", [0.001, 0.01]);
    for (const value of [0.0005, 0.001, 0.005, 7]) seconds.observe(value);
    const samples = readExposition(await metrics.render());
    assert.equal(samples.get('wait_seconds_bucket{le="0.001"}'), 2);
    assert.equal(samples.get('wait_seconds_bucket{le="0.01"}'), 3);
    assert.equal(samples.get('wait_seconds_bucket{le="+Inf"}'), 4);
    assert.equal(samples.get("wait_seconds_count{}"), 4);
    assert.equal(samples.get("wait_seconds_sum{}"), 7.0065);
  });

  test("a gauge is read at the scrape, and one that fails leaves the others", async () => {
    const metrics = new Metrics();
    let size = 1;
    metrics.gauge("broken", "Fails.", () => Promise.reject(new Error("the store is lost")));
    metrics.gauge("size_bytes", "Size.", () => size);
    metrics.gauge("keys", "Keys.", () => [[{ quota: "a" }, 3]]);
    size = 9;
    const samples = readExposition(await metrics.render());
    assert.deepEqual(
      [...samples],
      [
        ["size_bytes{}", 9],
        ['keys{quota="a"}', 3],
      ],
    );
  });

  test("whatever stands in a label or a help, the text stays valid", async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: "binary" }), fc.string(), async (value, help) => {
        const metrics = new Metrics();
        metrics.counters("names_total", help, ["name"])({ name: value }).add();
        assert.equal(readExposition(await metrics.render()).size, 1);
      }),
      { numRuns: process.env["POSTVARTA_FULL"] === "1" ? 10_000 : 100 },
    );
  });

  test("more label values than a name may have are counted together, and no more series are made", async () => {
    const metrics = new Metrics();
    const named = metrics.counters("names_total", "Names.", ["name"]);
    for (let i = 0; i < 2_100; i++) named({ name: `n${i}` }).add();
    const samples = readExposition(await metrics.render());
    assert.equal(samples.size, 2_001);
    assert.equal(samples.get('names_total{name="other"}'), 100);
  });

  test("a name may be used once, and must be a metric's name", () => {
    const metrics = new Metrics();
    metrics.counter("a_total", "A.");
    assert.throws(() => metrics.counter("a_total", "A."), /named twice/);
    assert.throws(() => metrics.counter("a-total", "A."), /not a metric's name/);
  });
});
