import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { enableCompileCache } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { pathToFileURL } from "node:url";
import { testEngine } from "../../../tests/contracts/engine.ts";
import { ManualClock } from "../../core/clock.ts";
import type { CellView } from "../db.ts";
import { openStore } from "../open.ts";

// Every test starts two threads; without the cache reading TypeScript would be most of the time.
enableCompileCache();

const folder = mkdtempSync(join(tmpdir(), "postvarta-store-"));
after(() => rmSync(folder, { recursive: true }));
const places = Array.from({ length: 200 }, (_, i) => join(folder, `${i}.db`));

testEngine({
  name: "sqlite",
  keeps: true,
  decidesInMemory: true,
  place: () => places.pop() ?? "",
  open: (path, clock) => openStore(`sqlite:${path}`, { clock }),
});

test("sqlite: a writer's thread that dies is replaced, and nothing recorded is lost", async () => {
  const path = places.pop() ?? "";
  const mark = join(folder, "died");
  const entry = join(folder, "dying.ts");
  writeFileSync(
    entry,
    `import { existsSync, writeFileSync } from "node:fs";
    import { runStoreWorker } from ${JSON.stringify(join(import.meta.dirname, "sqlite-worker.ts"))};
    runStoreWorker();
    if (!existsSync(${JSON.stringify(mark)})) setTimeout(() => { writeFileSync(${JSON.stringify(mark)}, ""); process.exit(1); }, 150);`,
  );
  const clock = new ManualClock();
  await using store = await openStore(`sqlite:${path}`, { clock, workerEntry: pathToFileURL(entry) });
  const add = (view: CellView) => view.put("a", [(view.get("a")?.[0] ?? 0) + 1], clock.now() + 1_000);
  let charges = 0;
  // It may die between two commits, and then nobody notices; either way counting goes on until well after its death.
  for (let afterDeath = 0; afterDeath < 100; ) {
    charges++;
    const { recorded } = await store.cells.charge(["a"], add);
    if (existsSync(mark)) afterDeath++;
    if (!recorded) await new Promise((resolve) => setTimeout(resolve, 5));
  }
  await store.cells.flush();
  assert.equal((await store.cells.charge(["a"], add)).recorded, true);
  assert.deepEqual(await store.cells.peek("a"), [charges + 1]);
  await store[Symbol.asyncDispose]();
  await using again = await openStore(`sqlite:${path}`, { clock });
  assert.deepEqual(await again.cells.peek("a"), [charges + 1]);
});
