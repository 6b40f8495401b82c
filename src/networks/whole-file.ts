// A file that is there whole or not at all: a reader never sees half of it.

import { rename, writeFile } from "node:fs/promises";

export async function writeWhole(file: string, content: Uint8Array | string, mode: number): Promise<void> {
  const draft = `${file}.${process.pid}.part`;
  await writeFile(draft, content, { mode, flush: true });
  await rename(draft, file);
}
