// A worker thread of a bundle: which of the house's threads it is.

/** `data`: what the thread was started with. */
export async function runWorker(data: unknown): Promise<void> {
  const { isStoreWorker, runStoreWorker } = await import("../store/engines/sqlite-worker.ts");
  if (!isStoreWorker(data)) throw new Error("a thread without a role");
  runStoreWorker();
}
