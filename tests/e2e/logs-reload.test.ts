// SIGHUP with other [[logs]]: sources come, go and come again without losing or doubling a line, and one that cannot be started
// keeps no other from being read.

import assert from "node:assert/strict";
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createConnection, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { DaemonChild } from "./daemon.ts";
import { freePort } from "./postfix-rig.ts";

const root = mkdtempSync(join(tmpdir(), "postvarta-reload-"));
process.on("exit", () => rmSync(root, { recursive: true, force: true }));

function failure(n: number): string {
  return `Nov 24 07:07:07 mx1 postfix/smtpd[1]: warning: unknown[192.0.2.${n % 250}]: SASL LOGIN authentication failed: UGFzc3dvcmQ6, sasl_username=u${n}@example.org\n`;
}

function append(path: string, from: number, to: number): void {
  for (let n = from; n <= to; n++) appendFileSync(path, failure(n));
}

/** Failures of each source that are on disk. */
function counted(daemon: DaemonChild): Readonly<Record<string, number>> {
  const db = new DatabaseSync(daemon.storeFile, { readOnly: true });
  const rows = db.prepare("select source, count from log_counts where kind = 'auth_failure'").all();
  db.close();
  return Object.fromEntries(rows.map(({ source, count }) => [String(source), Number(count)]));
}

async function until(isTrue: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 20_000;
  while (!(await isTrue()) && performance.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 20));
}

/** Writes other sections behind the configuration's own, and waits until they were taken. */
async function reload(daemon: DaemonChild, own: string, sections: string): Promise<void> {
  writeFileSync(daemon.configFile, `${own}\n${sections}`);
  const from = daemon.log.length;
  daemon.signal("SIGHUP");
  await until(() => /reloaded/.test(daemon.log.slice(from)));
  assert.match(daemon.log.slice(from), /reloaded/);
}

async function sourcesOf(daemon: DaemonChild): Promise<readonly { name: string; troubles: readonly string[] }[]> {
  return JSON.parse((await daemon.command("log", "status", "--json")).stdout).sources;
}

test("sources that SIGHUP adds, removes and brings back: every line once, also what was written meanwhile", async () => {
  const [a, b] = [join(root, "a.log"), join(root, "b.log")];
  writeFileSync(a, failure(0));
  writeFileSync(b, "");
  await using daemon = await DaemonChild.start({ rules: "" });
  const own = readFileSync(daemon.configFile, "utf8");
  // There was no thread for logs; a source from the end does not want what is there.
  await reload(daemon, own, `[[logs]]\npath = "${a}"`);
  await until(async () => (await sourcesOf(daemon)).length === 1);
  append(a, 1, 10);
  await until(() => counted(daemon)[a] === 10);
  await reload(daemon, own, `[[logs]]\npath = "${a}"\n[[logs]]\npath = "${b}"\nfrom = "start"`);
  append(b, 1, 5);
  await until(() => counted(daemon)[b] === 5);
  await reload(daemon, own, `[[logs]]\npath = "${b}"\nfrom = "start"`);
  await until(() => /logs\.source-removed source=\S*a\.log/.test(daemon.log));
  append(a, 11, 20);
  append(b, 6, 10);
  await until(() => counted(daemon)[b] === 10);
  assert.equal(counted(daemon)[a], 10, "a source that was removed is not read");
  // Brought back with another setting: the remembered place wins.
  await reload(daemon, own, `[[logs]]\npath = "${a}"\nfrom = "start"\n[[logs]]\npath = "${b}"\nfrom = "start"`);
  append(a, 21, 30);
  await until(() => counted(daemon)[a] === 30);
  assert.deepEqual(counted(daemon), { [a]: 30, [b]: 10 });
  await daemon.kill("SIGKILL");
  append(a, 31, 40);
  await daemon.run();
  await until(() => counted(daemon)[a] === 40);
  assert.deepEqual(counted(daemon), { [a]: 40, [b]: 10 });
});

test("a file that two sources name is read by one, and by the other when that is removed", async () => {
  const directory = mkdtempSync(join(root, "g-"));
  const path = join(directory, "mail.log");
  writeFileSync(path, "");
  const glob = `[[logs]]\npath = "${directory}/*.log"`;
  await using daemon = await DaemonChild.start({ rules: "", sections: `[[logs]]\npath = "${path}"\n${glob}` });
  const own = readFileSync(daemon.configFile, "utf8").replace(/\[\[logs[\s\S]*$/, "");
  append(path, 1, 5);
  await until(() => counted(daemon)[path] === 5);
  await reload(daemon, own, glob);
  append(path, 6, 10);
  await until(() => counted(daemon)[`${directory}/*.log`] === 5);
  assert.deepEqual(counted(daemon), { [path]: 5, [`${directory}/*.log`]: 5 });
});

test("a source that cannot be started is a trouble; the others are read, and it is tried again", async () => {
  const path = join(root, "c.log");
  writeFileSync(path, "");
  const port = await freePort();
  const squatter = createServer();
  await new Promise<void>((resolve) => squatter.listen(port, "127.0.0.1", resolve));
  await using daemon = await DaemonChild.start({ rules: "" });
  const own = readFileSync(daemon.configFile, "utf8");
  const sections = `[[logs]]\nsyslog = "127.0.0.1:${port}"\n[[logs]]\npath = "${path}"`;
  await reload(daemon, own, sections);
  await until(async () => (await sourcesOf(daemon)).length === 2);
  append(path, 1, 3);
  await until(() => counted(daemon)[path] === 3);
  const troubles = (await sourcesOf(daemon)).map(({ troubles }) => troubles.join());
  assert.match(troubles.join(), /cannot listen for syslog \(EADDRINUSE\)/);
  assert.match(daemon.log, /logs\.source-not-started .*EADDRINUSE/);
  await new Promise((resolve) => squatter.close(resolve));
  await reload(daemon, own, `${sections}\nfrom = "start"`);
  const name = `syslog:127.0.0.1:${port}`;
  await until(() => daemon.log.includes(`logs.source-added source=${name}`));
  const socket = createConnection(port, "127.0.0.1");
  socket.write(`<22>${failure(1)}`);
  await until(() => counted(daemon)[name] === 1);
  socket.destroy();
  assert.deepEqual(counted(daemon), { [path]: 3, [name]: 1 });
});
