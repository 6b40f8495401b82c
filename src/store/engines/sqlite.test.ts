import { mkdtempSync, rmSync } from "node:fs";
import { enableCompileCache } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { testEngine } from "../../../tests/contracts/engine.ts";
import { openStore } from "../open.ts";

// Every test starts two threads; without the cache reading TypeScript would be most of the time.
enableCompileCache();

const folder = mkdtempSync(join(tmpdir(), "postvarta-store-"));
after(() => rmSync(folder, { recursive: true }));
const places = Array.from({ length: 200 }, (_, i) => join(folder, `${i}.db`));

testEngine({ name: "sqlite", keeps: true, place: () => places.pop() ?? "", open: (path, clock) => openStore(`sqlite:${path}`, { clock }) });

