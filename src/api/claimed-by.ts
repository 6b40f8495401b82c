// Who changed something. The control socket cannot tell who calls, so a name from there stands as claimed (decided 14).

import type { Author } from "../store/audit.ts";

/** The name that records keep, e.g. `cli:olena (claimed)`, one printable line. */
function claimedBy(by: string): string {
  const name = by.replace(/[^ -~]/g, "?").trim();
  return `${name === "" ? "unknown" : name} (claimed)`;
}

/** The author of a change that came over the control socket. */
export function authorOf(by: string, now: number): Author {
  return { by: claimedBy(by), via: "control socket", now };
}
