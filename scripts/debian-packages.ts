// The Debian packages that tests use, installed where we may: as root on a machine with apt-get, without a question
// and without starting a service. Where we may not, the tests that need them are skipped by name.

import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { rm, writeFile } from "node:fs/promises";

const wanted = [
  "postfix",
  "dovecot-core",
  "dovecot-imapd",
  "dovecot-pop3d",
  "dovecot-submissiond",
  "nftables",
  "ipset",
  "iptables",
  "postgresql",
  "openssl",
  "bzip2",
  "xz-utils",
  "zstd",
  "ripgrep",
  "strace",
  "iproute2",
  "systemd",
] as const;

const aptTimeoutMs = 240_000;

/** invoke-rc.d(8) asks this file; 101 forbids to start anything. */
const serviceGuard = "/usr/sbin/policy-rc.d";

/** Installs what is missing. Returns the names that are missing still; empty also where there is no dpkg. */
export async function installDebianPackages(): Promise<readonly string[]> {
  const lacking = missingPackages();
  if (lacking.length === 0) return [];
  const maySetUp = process.getuid?.() === 0 && existsSync("/usr/bin/apt-get");
  if (!maySetUp) return lacking;
  console.log(`installing: ${lacking.join(" ")}`);
  const guarded = existsSync(serviceGuard);
  if (!guarded) await writeFile(serviceGuard, "#!/bin/sh\nexit 101\n", { mode: 0o755 });
  try {
    // The least that makes a complete installation; the tests bring configurations of their own.
    apt("debconf-set-selections", [], "postfix postfix/main_mailer_type select Local only\n");
    if (!install(lacking)) {
      apt("apt-get", ["update", "-q"]);
      install(lacking);
    }
  } finally {
    if (!guarded) await rm(serviceGuard);
  }
  return missingPackages();
}

function missingPackages(): string[] {
  if (!existsSync("/usr/bin/dpkg-query")) return [];
  const query = spawnSync("dpkg-query", ["-W", "-f", "${db:Status-Status} ${Package}\n", ...wanted], {
    encoding: "utf8",
  });
  const installed = new Set(query.stdout.split("\n"));
  return wanted.filter((name) => !installed.has(`installed ${name}`));
}

function install(names: readonly string[]): boolean {
  return apt("apt-get", ["install", "-y", "-q", "--no-install-recommends", ...names]);
}

function apt(program: string, args: readonly string[], input = ""): boolean {
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive", LC_ALL: "C" };
  const done = spawnSync(program, args, { env, input, encoding: "utf8", timeout: aptTimeoutMs });
  if (done.status !== 0) console.log(`${program} ${args.join(" ")}: ${(done.stderr ?? "").trim().slice(-500)}`);
  return done.status === 0;
}
