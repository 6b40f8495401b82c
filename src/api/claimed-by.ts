// Who changed something. The control socket cannot tell who calls, so a name from there stands as claimed (decided 14).

/** The name that records keep, e.g. `cli:olena (claimed)`, one printable line. */
export function claimedBy(by: string): string {
  const name = by.replace(/[^ -~]/g, "?").trim();
  return `${name === "" ? "unknown" : name} (claimed)`;
}
