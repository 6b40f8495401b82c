// A file whose text is run with our rights must be one that only we, or root, can change: it, and every folder on the way to it.

import { realpathSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { Problem } from "../core/problem.ts";

const writableByOthers = 0o022;
/** In such a folder only the owner of a file may take it away (sticky(7)). */
const sticky = 0o1000;

/** Throws a Problem jails/unsafe-file when somebody else could change the file. */
export function demandOwned(path: string, uid = process.getuid?.() ?? 0): void {
  for (const start of new Set([resolve(path), realpathSync(path)])) {
    for (let at = start; ; at = dirname(at)) {
      const { uid: owner, mode } = statSync(at);
      const isOpen = (mode & writableByOthers) !== 0 && !(at !== start && (mode & sticky) !== 0);
      if ((owner !== 0 && owner !== uid) || isOpen) {
        throw new Problem(`${at} can be changed by others`, {
          ...{ code: "jails/unsafe-file", where: path },
          hint: "its commands are run with our rights: chown root, chmod go-w",
        });
      }
      if (at === dirname(at)) break;
    }
  }
}
