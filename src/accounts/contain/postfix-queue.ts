// What lies in Postfix's queue at the moment, asked of postqueue, which needs no rights.

import { execFile } from "node:child_process";

const timeoutMs = 10_000;
const bytesMax = 64 * 1024 * 1024;

/** Queue ids that are there; undefined when Postfix cannot be asked. One instance may be missing without the others. */
export async function readQueueIds(configDirectories: readonly string[]): Promise<ReadonlySet<string> | undefined> {
  const texts = await Promise.all(configDirectories.map(askPostqueue));
  if (texts.every((text) => text === undefined)) return undefined;
  const ids = texts.flatMap((text) => (text ?? "").split("\n").flatMap((line) => idOf(line) ?? []));
  return new Set(ids);
}

function askPostqueue(directory: string): Promise<string | undefined> {
  const options = { timeout: timeoutMs, maxBuffer: bytesMax, env: { PATH: "/usr/sbin:/usr/local/sbin:/usr/bin:/bin" } };
  return new Promise((resolve) => {
    execFile("postqueue", ["-c", directory, "-j"], options, (error, stdout) =>
      resolve(error === null ? stdout : undefined),
    );
  });
}

function idOf(line: string): string | undefined {
  if (line === "") return undefined;
  try {
    const { queue_id: id } = JSON.parse(line) as { queue_id?: unknown };
    return typeof id === "string" ? id : undefined;
  } catch {
    return undefined;
  }
}
