// Waiting for whoever reads our output.

import type { Writable } from "node:stream";

/** Resolves when the output takes more, or never will again. */
export function drained(output: Writable): Promise<void> {
  return new Promise((resolve) => {
    const names = ["drain", "error", "close"];
    const go = () => {
      for (const name of names) output.off(name, go);
      resolve();
    };
    for (const name of names) output.on(name, go);
  });
}
