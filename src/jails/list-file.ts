// The banned addresses in a file, one a line, for scripts that read it: written whole beside its place and put there in one step.

import { randomBytes } from "node:crypto";
import { rename, rm, writeFile } from "node:fs/promises";

/** Writes `addresses` to `path`; readers see the old file or the new one, never half of one. */
export async function writeListFile(path: string, addresses: readonly string[]): Promise<void> {
  const beside = `${path}.${randomBytes(4).toString("hex")}`;
  try {
    // Exclusive: nobody's link is followed.
    await writeFile(beside, addresses.map((address) => `${address}\n`).join(""), {
      mode: 0o644,
      flag: "wx",
      flush: true,
    });
    await rename(beside, path);
  } catch (error) {
    await rm(beside, { force: true });
    throw error;
  }
}
