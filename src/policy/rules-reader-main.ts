// The entry of the thread that reads rules in a checkout, with the compile cache that main has turned on.

import { enableCompileCache } from "node:module";
import { workerData } from "node:worker_threads";

const { compileCache }: { readonly compileCache?: string } = workerData;
if (compileCache !== undefined) enableCompileCache(compileCache);
const { runRulesReader } = await import("./rules-reader.ts");
runRulesReader();
