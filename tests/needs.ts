// What a test needs from the machine. Missing things skip a test loudly, by name; with CI=true a skip is a failure.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { hasPostgres } from "./postgres-rig.ts";

/** Each capability with the reason that is printed when the machine lacks it. */
const probes = {
  root: () => (process.getuid?.() === 0 ? undefined : "needs root"),
  postfix: () => missing("Postfix (apt-get install postfix)", "/usr/sbin/postfix", "/usr/lib/postfix/sbin/master"),
  dovecot: () => missing("Dovecot (apt-get install dovecot-core)", "/usr/sbin/dovecot"),
  mailboxes: () =>
    missing(
      "Dovecot's servers (apt-get install dovecot-imapd dovecot-pop3d dovecot-submissiond)",
      "/usr/lib/dovecot/imap-login",
      "/usr/lib/dovecot/pop3-login",
      "/usr/lib/dovecot/submission-login",
    ),
  postgres: () => (hasPostgres() ? undefined : "needs PostgreSQL (apt-get install postgresql)"),
  nft: () => (runs("nft", "--version") ? undefined : "needs nft (apt-get install nftables)"),
  ipset: () =>
    runs(
      "unshare",
      "--net",
      "sh",
      "-c",
      "ipset list -name && iptables -w 5 -t mangle -S && ip6tables -w 5 -t mangle -S",
    )
      ? undefined
      : "needs ipset and iptables (apt-get install ipset iptables), and a kernel that has them",
  tmpfs: () =>
    runs("unshare", "--mount", "mount", "-t", "tmpfs", "tmpfs", "/mnt") ? undefined : "needs the right to mount",
  strace: () =>
    runs("strace", "-qq", "-o", "/dev/null", "true") ? undefined : "needs strace (apt-get install strace)",
  journald: () =>
    missing("systemd's journald and journalctl", "/usr/lib/systemd/systemd-journald", "/usr/bin/journalctl") ??
    (runs("unshare", "--mount", "mount", "-t", "tmpfs", "tmpfs", "/run") ? undefined : "needs the right to mount"),
  netns: () => (runs("unshare", "--net", "true") ? undefined : "needs the right to make a network namespace"),
} as const;

export type Need = keyof typeof probes;

/**
 * The value of node:test's `skip` option: false when the machine has everything, otherwise the reason.
 * With CI=true a missing capability throws, so that the file fails.
 */
export function needs(...wanted: readonly Need[]): false | string {
  const reasons = wanted.map((need) => probes[need]()).filter((reason) => reason !== undefined);
  if (reasons.length === 0) return false;
  const text = reasons.join(", ");
  if (process.env["CI"] === "true") throw new Error(`CI=true and a test cannot run: ${text}`);
  process.stderr.write(`SKIPPED: ${text}\n`);
  return text;
}

function missing(what: string, ...paths: readonly string[]): string | undefined {
  return paths.every((path) => existsSync(path)) ? undefined : `needs ${what}`;
}

function runs(program: string, ...args: readonly string[]): boolean {
  return spawnSync(program, args, { stdio: "ignore", timeout: 5_000 }).status === 0;
}
