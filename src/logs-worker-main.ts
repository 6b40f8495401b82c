// The entry of the logs thread in a checkout; a bundle starts it from its one file.

import { enableCompileCache } from "node:module";
import { workerData } from "node:worker_threads";

const { compileCache }: { readonly compileCache?: string } = workerData;
if (compileCache !== undefined) enableCompileCache(compileCache);
const { runLogsRole } = await import("./logs-role.ts");
await runLogsRole();
