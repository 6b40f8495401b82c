// Runs kill-store-child.ts and kills it.

import { type ChildProcess, spawn } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface Round {
  /** Lines that the child printed before it died. */
  readonly lines: readonly string[];
  readonly ready: boolean;
}

/** Starts a child and kills it `afterMs` after it said that it is ready (or after its start). */
export async function runAndKill(what: string, path: string, afterMs: number, fromStart: boolean): Promise<Round> {
  const cache = { NODE_COMPILE_CACHE: join(tmpdir(), "node-compile-cache") };
  const child = spawn(process.execPath, [join(import.meta.dirname, "kill-store-child.ts"), what, path], {
    env: { ...process.env, ...cache },
    stdio: ["ignore", "pipe", "inherit"],
  });
  let text = "";
  let timer: NodeJS.Timeout | undefined = fromStart ? setTimeout(() => child.kill("SIGKILL"), afterMs) : undefined;
  child.stdout.setEncoding("utf8").on("data", (part: string) => {
    text += part;
    if (timer === undefined && /^ready$/m.test(text)) timer = setTimeout(() => child.kill("SIGKILL"), afterMs);
  });
  await ended(child);
  clearTimeout(timer);
  // The last line may have been cut.
  const lines = text.split("\n").slice(0, -1);
  return { lines, ready: lines.includes("ready") };
}

function ended(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    child.on("close", () => resolve());
    child.on("error", reject);
  });
}
