// Where programs are looked for: what our own environment says, then where a system has those that only root runs.

import { delimiter } from "node:path";

const systemDirectories = ["/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/bin", "/bin"];

/** As PATH has it. An empty or relative word would be a directory that somebody else chooses. */
export function programPath(path = process.env["PATH"] ?? ""): string {
  const own = path.split(delimiter).filter((directory) => directory.startsWith("/"));
  return [...new Set([...own, ...systemDirectories])].join(delimiter);
}
