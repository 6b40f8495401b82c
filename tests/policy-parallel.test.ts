// Many connections at once over the real socket, charges on disk: acceptance cases 98 and 102.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import type { PolicyClient } from "./policy-client.ts";
import { type PolicyHouse, startHouse } from "./policy-house.ts";

const directory = mkdtempSync(join(tmpdir(), "postvarta-parallel-"));
after(() => rmSync(directory, { recursive: true }));

function rulesFor(max: number): string {
  return `
[[policies]]
name = "p"
members = [{}]
quotas = [{ name = "q", track = "Sender:user@domain", limits = [{ count = "recipients", max = ${max}, per = "1h" }] }]
`;
}

async function connectAll(house: PolicyHouse, count: number): Promise<readonly PolicyClient[]> {
  return Promise.all(Array.from({ length: count }, () => house.connect()));
}

function endAll(clients: readonly PolicyClient[]): void {
  for (const client of clients) client[Symbol.dispose]();
}

test("102: of a hundred recipients asked at once by a hundred connections exactly ten pass", async () => {
  for (let round = 0; round < 5; round++) {
    await using house = await startHouse({ rules: rulesFor(10), storeUrl: `sqlite:${directory}/${round}.db` });
    const clients = await connectAll(house, 100);
    const answers = await Promise.all(clients.map((client, n) => client.ask({ instance: `i${n}` })));
    assert.equal(answers.filter((answer) => answer === "DUNNO").length, 10);
    assert.equal(await house.used("p", "q", "recipients", "Sender:a@example.com"), 10);
    endAll(clients);
  }
});

test("98: five hundred connections are all answered", async (t) => {
  await using house = await startHouse({ rules: rulesFor(1_000_000), storeUrl: `sqlite:${directory}/many.db` });
  const clients = await connectAll(house, 500);
  const waits: number[] = [];
  for (let round = 0; round < 4; round++) {
    const asked = clients.map(async (client, n) => {
      const from = performance.now();
      assert.equal(await client.ask({ instance: `${round}.${n}` }), "DUNNO");
      waits.push(performance.now() - from);
    });
    await Promise.all(asked);
  }
  endAll(clients);
  waits.sort((a, b) => a - b);
  t.diagnostic(`all 500 at once: p50 ${waits[1_000]?.toFixed(1)} ms, p99 ${waits[1_980]?.toFixed(1)} ms`);
  assert.equal(waits.length, 2_000);
});

test("98: among five hundred connections at an ordinary pace an answer comes in a few milliseconds", async (t) => {
  await using house = await startHouse({ rules: rulesFor(1_000_000), storeUrl: `sqlite:${directory}/paced.db` });
  const clients = await connectAll(house, 500);
  const waits: number[] = [];
  for (const [n, client] of clients.entries()) {
    const from = performance.now();
    await client.ask({ instance: `paced.${n}` });
    waits.push(performance.now() - from);
  }
  endAll(clients);
  waits.sort((a, b) => a - b);
  t.diagnostic(`one at a time: p50 ${waits[250]?.toFixed(2)} ms, p99 ${waits[495]?.toFixed(2)} ms`);
  // The figure to reach; where other tests share the cores only the middle says something about us.
  if (process.env["POSTVARTA_FULL"] === "1") assert.ok((waits[495] ?? 0) < 5);
  assert.ok((waits[250] ?? 0) < 20);
});
