// The entry of a store thread in a checkout.

import { runStoreWorker } from "./sqlite-worker.ts";

runStoreWorker();
