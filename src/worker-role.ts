// A worker thread of a bundle: which of the house's threads it is. The store's have a small entry of their own.

/** `data`: what the thread was started with. */
export async function runWorker(data: unknown): Promise<void> {
  const { isRulesReader, runRulesReader } = await import("./policy/rules-reader.ts");
  if (isRulesReader(data)) return runRulesReader();
  const { isLogsWorker } = await import("./logs/worker-words.ts");
  if (!isLogsWorker(data)) throw new Error("a thread without a role");
  const { runLogsRole } = await import("./logs-role.ts");
  await runLogsRole();
}
