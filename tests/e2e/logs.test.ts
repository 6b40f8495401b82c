// The whole daemon with logs: what it says of them, kill -9 in the middle, a store that fails, a reload with a broken file,
// a line without end, and policy answers while a flood of lines is read.

import assert from "node:assert/strict";
import {
  appendFileSync,
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, test } from "node:test";
import { PolicyClient } from "../policy-client.ts";
import { DaemonChild } from "./daemon.ts";

const full = process.env["POSTVARTA_FULL"] === "1";

const root = mkdtempSync(join(tmpdir(), "postvarta-logs-"));
process.on("exit", () => rmSync(root, { recursive: true, force: true }));

function failure(n: number): string {
  return `Nov 24 07:07:07 mx1 postfix/smtpd[1]: warning: unknown[192.0.2.${n % 250}]: SASL LOGIN authentication failed: UGFzc3dvcmQ6, sasl_username=u${n}@example.org\n`;
}

async function start(): Promise<{ readonly daemon: DaemonChild; readonly path: string }> {
  const path = join(mkdtempSync(join(root, "l-")), "mail.log");
  writeFileSync(path, "");
  return { daemon: await DaemonChild.start({ rules: "", sections: `[[logs]]\npath = "${path}"` }), path };
}

/** Failures that are on disk. */
function counted(daemon: DaemonChild): number {
  const db = new DatabaseSync(daemon.storeFile, { readOnly: true });
  const row = db.prepare("select count from log_counts where kind = 'auth_failure'").get();
  db.close();
  return Number(row?.["count"] ?? 0);
}

async function until(isTrue: () => boolean | Promise<boolean>, ms = 20_000): Promise<void> {
  const deadline = performance.now() + ms;
  while (!(await isTrue()) && performance.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 20));
}

function residentKb(pid: number): number {
  return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1]);
}

describe("the daemon reads logs", () => {
  test("log status, metrics and status tell of lines, places and what is not understood", async () => {
    const { daemon, path } = await start();
    await using _ = daemon;
    appendFileSync(path, `${failure(1)}${failure(2)}what [is] this 17\nwhat [was] that 18\n`);
    await until(() => counted(daemon) === 2);
    await new Promise((resolve) => setTimeout(resolve, 1_200));
    const { code, stdout } = await daemon.command("log", "status", "--json");
    assert.equal(code, 0);
    const [source] = JSON.parse(stdout).sources;
    assert.deepEqual(source.lines, { event: 2, mail: 0, other: 0, unknown: 2, skipped: 0 });
    assert.deepEqual(source.events, { auth_failure: 2 });
    assert.equal(source.unparsed_share, 0.5);
    assert.equal(source.lag_seconds, 0);
    assert.deepEqual(source.troubles, []);
    assert.equal(source.unknown_shapes.length, 1);
    assert.equal(source.unknown_shapes[0].count, 2);
    const human = await daemon.command("log", "status");
    assert.match(human.stdout, /unparsed {2}50\.00 %/);
    assert.match(human.stdout, /unknown {3}2 like: what \[is\] this 17/);
    const metrics = await (await fetch(`http://127.0.0.1:${daemon.apiPort}/metrics`)).text();
    assert.ok(metrics.includes(`postvarta_log_lines_total{result="event",source="${path}"} 2`));
    assert.ok(metrics.includes(`postvarta_log_unparsed_total{source="${path}"} 2`));
    assert.ok(metrics.includes(`postvarta_log_lag_seconds{source="${path}"} 0`));
  });

  test("kill -9 in the middle of a load and SIGTERM at its end: each line counts once", async () => {
    const { daemon, path } = await start();
    await using _ = daemon;
    const lines = full ? 100_000 : 20_000;
    const kills = full ? 20 : 4;
    for (let n = 1; n <= lines; n++) {
      appendFileSync(path, failure(n));
      if (n % Math.floor(lines / (kills + 1)) === 0 && n < lines) {
        await new Promise((resolve) => setTimeout(resolve, Math.random() * 60));
        await daemon.kill("SIGKILL");
        await daemon.run();
      }
    }
    // The last lines are on their way when it is asked to stop.
    await new Promise((resolve) => setTimeout(resolve, 15));
    const begun = performance.now();
    assert.equal(await daemon.kill("SIGTERM"), 0);
    assert.ok(performance.now() - begun < 5_000);
    await daemon.run();
    await until(() => counted(daemon) >= lines);
    assert.equal(counted(daemon), lines);
  });

  test("a log that we may not read, or that is not there, is a warning and no end", async () => {
    const { daemon, path } = await start();
    await using _ = daemon;
    appendFileSync(path, failure(1));
    await until(() => counted(daemon) === 1);
    // Something else in its place: root could read a file of any mode.
    rmSync(path);
    mkdirSync(path);
    await until(async () => /no regular file/.test((await daemon.command("status")).stdout));
    assert.match((await daemon.command("status")).stdout, /warning .*no regular file.*log status/);
    rmSync(path, { recursive: true });
    appendFileSync(path, failure(2));
    await until(() => counted(daemon) === 2);
    assert.equal(counted(daemon), 2);
  });

  test("SIGHUP with a broken file keeps the logs that are followed", async () => {
    const { daemon, path } = await start();
    await using _ = daemon;
    const config = readFileSync(daemon.configFile, "utf8");
    writeFileSync(daemon.configFile, `${config}\n[[logs]]\npath = 7\n`);
    daemon.signal("SIGHUP");
    await until(() => /reload_failed/.test(daemon.log));
    assert.match(daemon.log, /reload_failed .*postvarta\.toml:\d+: logs\.path is 7/);
    appendFileSync(path, failure(1));
    await until(() => counted(daemon) === 1);
    assert.equal(counted(daemon), 1);
    writeFileSync(daemon.configFile, config);
  });

  test("a line without end takes no memory, and the next line is right", async () => {
    const { daemon, path } = await start();
    await using _ = daemon;
    appendFileSync(path, failure(1));
    await until(() => counted(daemon) === 1);
    const before = residentKb(daemon.pid);
    const megabytes = full ? 1_024 : 64;
    const block = Buffer.alloc(1024 * 1024, "a");
    const fd = openSync(path, "a");
    let most = 0;
    for (let i = 0; i < megabytes; i++) {
      writeSync(fd, block);
      if (i % 8 === 0) await new Promise((resolve) => setTimeout(resolve, 5));
      most = Math.max(most, residentKb(daemon.pid));
    }
    writeSync(fd, `\n${failure(2)}`);
    closeSync(fd);
    await until(() => counted(daemon) === 2);
    most = Math.max(most, residentKb(daemon.pid));
    assert.equal(counted(daemon), 2);
    assert.ok(most - before <= 32 * 1024, `${Math.round((most - before) / 1024)} MB more`);
    await new Promise((resolve) => setTimeout(resolve, 1_200));
    const [source] = JSON.parse((await daemon.command("log", "status", "--json")).stdout).sources;
    assert.equal(source.lines.skipped, 1);
  });

  test("policy answers do not wait for a flood of lines, and the flood is counted whole", async () => {
    const { daemon, path } = await start();
    await using _ = daemon;
    const text = Array.from({ length: 10_000 }, (_, n) => failure(n)).join("");
    const rounds = full ? 100 : 20;
    using client = await PolicyClient.connect({ port: daemon.port });
    const tookMs: number[] = [];
    let isOver = false;
    const asking = (async () => {
      while (!isOver) {
        const begun = performance.now();
        await client.ask();
        tookMs.push(performance.now() - begun);
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
    })();
    for (let i = 0; i < rounds; i++) {
      appendFileSync(path, text);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await until(() => counted(daemon) >= rounds * 10_000, 60_000);
    isOver = true;
    await asking;
    tookMs.sort((a, b) => a - b);
    assert.equal(counted(daemon), rounds * 10_000);
    // Where other tests share the cores only the middle says something about us.
    const share = full ? 0.99 : 0.5;
    const waited = tookMs[Math.floor(tookMs.length * share)] ?? 0;
    assert.ok(waited < 100, `${share} of the answers came within ${waited} ms`);
  });
});
