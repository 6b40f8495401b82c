// The entry of a store thread in a checkout. Reading TypeScript is most of its start, so it uses the compile cache that main has turned on.

import { enableCompileCache } from "node:module";
import { workerData } from "node:worker_threads";
import type { StoreWorkerData } from "./sqlite-calls.ts";

const { compileCache } = workerData as StoreWorkerData;
if (compileCache !== undefined) enableCompileCache(compileCache);
const { runStoreWorker } = await import("./sqlite-worker.ts");
runStoreWorker();
