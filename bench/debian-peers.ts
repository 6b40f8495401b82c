// Peers from Debian's packages, unpacked beside the system: nothing is installed, no service is started, and programs of
// this machine stay as they are. Kept in a directory of /tmp, so that only the first run downloads.

import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const downloadTimeoutMs = 120_000;

/** With the libraries that a bare Perl and Python lack. */
const packages = [
  "postfwd",
  "policyd-rate-limit",
  "libnet-server-perl",
  "libio-multiplex-perl",
  "libnet-dns-perl",
  "libnet-cidr-perl",
  "libdigest-hmac-perl",
  "python3-yaml",
];

/** The root of the unpacked packages; undefined where they cannot be had. */
export function unpackDebianPeers(): string | undefined {
  const root = join(tmpdir(), `postvarta-bench-peers-${process.getuid?.() ?? 0}`);
  if (existsSync(root)) return root;
  if (!existsSync("/usr/bin/apt-get") || !existsSync("/usr/bin/dpkg-deb")) return undefined;
  const parts = `${root}.${process.pid}`;
  mkdirSync(join(parts, "root"), { recursive: true });
  try {
    if (!run("apt-get", ["download", "-q", ...packages], parts)) return undefined;
    const files = readdirSync(parts).filter((name) => name.endsWith(".deb"));
    if (!files.every((name) => run("dpkg-deb", ["-x", name, "root"], parts))) return undefined;
    renameSync(join(parts, "root"), root);
    return root;
  } finally {
    rmSync(parts, { recursive: true });
  }
}

function run(program: string, words: readonly string[], cwd: string): boolean {
  const { status, stderr } = spawnSync(program, words, { cwd, encoding: "utf8", timeout: downloadTimeoutMs });
  if (status !== 0) process.stderr.write(`${program} ${words.join(" ")}: ${stderr.trim().slice(-300)}\n`);
  return status === 0;
}
