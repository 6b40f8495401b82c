// What reading a mail log costs: `node bench/log-events.ts [FILE]`. Prints lines a second (wall and CPU) and resident memory
// of `log events` for the four default kinds and for all eight, beside `wc -l` and `rg` (or `grep`) on the same file in the
// same run. Without a file it makes a million lines: 85 % ordinary, 10 % refused passwords, 5 % limits, rejects and logins.

import { spawnSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const linesMade = 1_000_000;
const runs = 3;

interface Result {
  readonly wallMs: number;
  readonly cpuMs: number | undefined;
  readonly memoryMb: number | undefined;
}

const folder = mkdtempSync(join(tmpdir(), "postvarta-bench-"));
try {
  const path = process.argv[2] ?? makeLog(join(folder, "mail.log"));
  const lines = Number(spawnSync("wc", ["-l", path], { encoding: "utf8" }).stdout.trim().split(" ")[0]);
  console.log(`${path}: ${lines} lines`);
  const print = (name: string, result: Result | undefined) => console.log(row(name, lines, result));
  console.log("reader".padEnd(44), "lines/s".padStart(12), "per CPU s".padStart(12), "MB".padStart(6));
  print(
    "wc -l",
    best(() => program("wc", ["-l", path])),
  );
  print(
    "rg -c 'SASL .* authentication failed'",
    best(() => program("rg", ["-c", "SASL .* authentication failed", path])),
  );
  print(
    "grep -cE 'SASL .* authentication failed'",
    best(() => program("grep", ["-cE", "SASL .* authentication failed", path])),
  );
  print(
    "log events (login, auth_failure, rate_limit, reject)",
    best(() => logEvents(path, [])),
  );
  print(
    "log events --kinds all",
    best(() => logEvents(path, ["--kinds", "all"])),
  );
} finally {
  rmSync(folder, { recursive: true });
}

function row(name: string, lines: number, result: Result | undefined): string {
  if (result === undefined) return `${name.padEnd(52)} not installed`;
  const rate = (ms: number | undefined) =>
    ms === undefined ? "-" : Math.round((lines / ms) * 1000).toLocaleString("en-US");
  const memory = result.memoryMb === undefined ? "-" : String(Math.round(result.memoryMb));
  return `${name.padEnd(52)} ${rate(result.wallMs).padStart(12)} ${rate(result.cpuMs).padStart(12)} ${memory.padStart(6)}`;
}

function best(measure: () => Result | undefined): Result | undefined {
  let fastest: Result | undefined;
  for (let i = 0; i < runs; i++) {
    const result = measure();
    if (result !== undefined && (fastest === undefined || result.wallMs < fastest.wallMs)) fastest = result;
  }
  return fastest;
}

function program(name: string, args: readonly string[]): Result | undefined {
  const start = performance.now();
  const { error } = spawnSync(name, args, { stdio: ["ignore", "pipe", "ignore"] });
  return error === undefined ? { wallMs: performance.now() - start, cpuMs: undefined, memoryMb: undefined } : undefined;
}

/** The whole command in a process of its own, output to a pipe that is read; start and compilation included. */
function logEvents(path: string, args: readonly string[]): Result {
  const module = new URL("../src/cli/commands/log-events.ts", import.meta.url).href;
  const script = `
    import { enableCompileCache } from "node:module";
    enableCompileCache(${JSON.stringify(folder)});
    const { logEventsCommand } = await import(${JSON.stringify(module)});
    await logEventsCommand().parseAsync(process.argv.slice(1), { from: "user" });
    const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
    console.error(JSON.stringify([userCPUTime + systemCPUTime, maxRSS]));`;
  const start = performance.now();
  const output = openSync("/dev/null", "w");
  const { stderr } = spawnSync(
    process.execPath,
    ["--input-type=module", "--eval", script, "--", "--log", path, ...args],
    {
      encoding: "utf8",
      stdio: ["ignore", output, "pipe"],
    },
  );
  closeSync(output);
  const wallMs = performance.now() - start;
  const [cpuUs, kilobytes] = JSON.parse(stderr.trim().split("\n").at(-1) ?? "[]");
  return { wallMs, cpuMs: Number(cpuUs) / 1000, memoryMb: Number(kilobytes) / 1024 };
}

function makeLog(path: string): string {
  const file = openSync(path, "w");
  let text = "";
  for (let i = 0; i < linesMade; i++) {
    text += `${line(i)}\n`;
    if (text.length > 1_000_000) {
      writeSync(file, text);
      text = "";
    }
  }
  writeSync(file, text);
  closeSync(file);
  return path;
}

const ordinary: ReadonlyArray<(i: number, client: string, id: string) => string> = [
  (i, client) => `postfix/smtpd[${2000 + (i % 400)}]: connect from ${client}`,
  (i, client) =>
    `postfix/smtpd[${2000 + (i % 400)}]: disconnect from ${client} ehlo=2 starttls=1 mail=1 rcpt=1 data=1 quit=1 commands=7`,
  (i, client, id) => `postfix/smtpd[${2000 + (i % 400)}]: ${id}: client=${client}`,
  (i, _, id) => `postfix/cleanup[3000]: ${id}: message-id=<${i}.${i * 7}@mail.example.net>`,
  (i, _, id) =>
    `postfix/qmgr[1402]: ${id}: from=<user${i % 20_000}@example.net>, size=${800 + (i % 90_000)}, nrcpt=1 (queue active)`,
  (_, __, id) => `postfix/qmgr[1402]: ${id}: removed`,
  (i, _, id) =>
    `postfix/smtp[3200]: ${id}: to=<a${i}@example.org>, relay=mx.example.org[192.0.2.9]:25, delay=1.2, delays=0.1/0.01/0.4/0.7, dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as ${id})`,
  (i) =>
    `dovecot: imap-login: Login: user=<user${i % 20_000}@example.net>, method=PLAIN, rip=${address(i)}, lip=192.0.2.25, mpid=${i % 30_000}, TLS, session=<s${i}>`,
  (i) => `dovecot: lmtp(user${i % 20_000}@example.net)<7><s${i}>: msgid=<${i}@example.org>: saved mail to INBOX`,
];

function line(i: number): string {
  const second = Math.floor(i / 400);
  const clock = [Math.floor(second / 3600) % 24, Math.floor(second / 60) % 60, second % 60]
    .map((part) => String(part).padStart(2, "0"))
    .join(":");
  const client = `${i % 3 === 0 ? `host-${i % 5000}.example.net` : "unknown"}[${address(i)}]`;
  return `Nov 24 ${clock} mail ${message(i, client)}`;
}

function message(i: number, client: string): string {
  const id = (i * 2_654_435_761).toString(16).slice(0, 11).toUpperCase();
  const share = (i * 7919) % 100;
  const kind = ordinary[(i * 31) % ordinary.length];
  if (share < 85 && kind !== undefined) return kind(i, client, id);
  if (share < 95)
    return `postfix/submission/smtpd[2400]: warning: ${client}: SASL LOGIN authentication failed: (reason unavailable), sasl_username=user${i % 20_000}@example.net`;
  if (share < 97)
    return `postfix/smtpd[2100]: warning: Connection rate limit exceeded: 31 from ${client} for service smtp`;
  if (share < 99)
    return `postfix/submission/smtpd[2400]: NOQUEUE: reject: RCPT from ${client}: 554 5.7.1 <a@example.org>: Recipient address rejected: LIMIT AT QUOTAUSE; from=<u@example.net> to=<a@example.org> proto=ESMTP helo=<c>`;
  return `postfix/submission/smtpd[2400]: ${id}: client=${client}, sasl_method=LOGIN, sasl_username=user${i % 20_000}@example.net`;
}

function address(i: number): string {
  const n = (i * 40_503) % 65_536;
  return `203.0.${n >> 8}.${n & 255}`;
}
