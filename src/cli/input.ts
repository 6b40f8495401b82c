// Text that a verb is given: a file by its name, or stdin.

import { readFile, stat } from "node:fs/promises";
import { Problem } from "../core/problem.ts";

/** More than the daemon takes in one call. */
const inputBytesMax = 64 * 1024 * 1024;

/** The text of a file; `-` is stdin. Throws a Problem input/unreadable. */
export async function readInput(file: string): Promise<string> {
  if (file === "-") return readStdin();
  try {
    if ((await stat(file)).size > inputBytesMax) throw new Error(`larger than ${inputBytesMax} bytes`);
    return await readFile(file, "utf8");
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Problem("cannot be read", { code: "input/unreadable", where: file, hint: reason });
  }
}

export async function readStdin(): Promise<string> {
  if (process.stdin.isTTY === true) process.stderr.write("reading stdin, end with Ctrl-D\n");
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of process.stdin) {
    const data: Buffer = Buffer.from(chunk);
    bytes += data.length;
    if (bytes > inputBytesMax) throw new Problem("too long", { code: "input/unreadable", where: "stdin" });
    chunks.push(data);
  }
  return Buffer.concat(chunks).toString("utf8");
}
