// Dovecot's auth-policy requests against the whole daemon: what it is told, what it asks, and how soon it is answered.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { Agent, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { accountQuota } from "./account-quota.ts";
import { DaemonChild } from "./e2e/daemon.ts";
import { EchoServer } from "./echo-server.ts";

const isFull = process.env["POSTVARTA_FULL"] === "1";

describe("auth policy", () => {
  const directory = mkdtempSync(join(tmpdir(), "postvarta-auth-"));
  const agent = new Agent({ keepAlive: true, maxSockets: 100 });
  let daemon: DaemonChild | undefined;
  const running = () => daemon ?? assert.fail("no daemon");

  const ask = (command: string, members: Record<string, unknown>, key = "sesame", port = running().apiPort) =>
    new Promise<{ status: number; body: { status: unknown } }>((resolve, reject) => {
      const headers = { "content-type": "application/json", "x-api-key": key };
      const where = { port, path: `/?command=${command}`, method: "POST", headers, agent };
      const sent = request(where, async (answer) => {
        let text = "";
        for await (const chunk of answer) text += chunk;
        resolve({ status: answer.statusCode ?? 0, body: JSON.parse(text) });
      });
      sent.on("error", reject);
      sent.end(JSON.stringify({ device_id: "", protocol: "imap", pwhash: "00f5", tls: false, ...members }));
    });

  before(async () => {
    const log = join(directory, "mail.log");
    writeFileSync(log, "");
    const sections = `[[logs]]\npath = "${log}"\n[accounts.auth_policy]\nenabled = true\npilot = false\nkey = "sesame"\nwatch_delay = 3\n`;
    daemon = await DaemonChild.start({ rules: accountQuota(10), sections });
  });
  after(async () => {
    agent.destroy();
    await daemon?.[Symbol.asyncDispose]();
    rmSync(directory, { recursive: true });
  });

  test("a reported login is in the account's history, a refused password is not", async () => {
    const login = { login: "ann@example.org", remote: "176.8.20.1", success: true, policy_reject: false };
    assert.equal((await ask("report", login)).status, 200);
    assert.equal((await ask("report", { ...login, login: "bob@example.org", success: false })).status, 200);
    for (let i = 0; i < 100; i++) {
      const shown = await running().command("accounts", "show", "ann@example.org", "--json");
      if (shown.code === 0) {
        assert.match(shown.stdout, /15895|Kyivstar/);
        break;
      }
      await sleep(100);
      assert.ok(i < 99, shown.stderr);
    }
    assert.equal((await running().command("accounts", "show", "bob@example.org")).code, 4);
  });

  test("case 52: an account under watch waits, others go on", async () => {
    const login = { login: "ann@example.org", remote: "176.8.20.1" };
    assert.deepEqual((await ask("allow", login)).body, { status: 0, msg: "" });
    const watched = await running().command("accounts", "watch", "ann@example.org", "--reason", "a test");
    assert.equal(watched.code, 0, watched.stderr);
    assert.equal((await ask("allow", login)).body.status, 3);
    assert.equal((await ask("allow", { ...login, login: "bob@example.org", remote: "176.8.20.2" })).body.status, 0);
  });

  test("without the key nobody is heard", async () => {
    assert.equal((await ask("allow", { login: "a", remote: "176.8.20.1" }, "other")).status, 401);
  });

  test("case 52: two hundred requests a second are answered about as soon as the machine can", async (t) => {
    await using echo = await EchoServer.start();
    const seconds = isFull ? 10 : 2;
    const [ours, bare]: [number[], number[]] = [[], []];
    const begun = performance.now();
    const waiting: Promise<void>[] = [];
    for (let i = 0; i < 200 * seconds; i++) {
      const due = begun + i * 5;
      if (due > performance.now()) await sleep(due - performance.now());
      const login = { login: `u${i % 500}@example.org`, remote: `176.8.${i % 200}.7`, success: true };
      const command = i % 2 === 0 ? "allow" : "report";
      waiting.push(timed(ours, () => ask(command, login)));
      if (i % 4 === 0) waiting.push(timed(bare, () => ask(command, login, "sesame", echo.port)));
    }
    await Promise.all(waiting);
    const [p99, bareP99] = [share(ours, 0.99), share(bare, 0.99)];
    const told = `median ${share(ours, 0.5).toFixed(1)} ms, p99 ${p99.toFixed(1)} ms; a bare server: ${share(bare, 0.5).toFixed(1)}, ${bareP99.toFixed(1)}`;
    t.diagnostic(told);
    // On a crowded machine either may wait for the processor at any time, but not each time: what is slow by itself always is.
    assert.ok(share(ours, 0.1) <= Math.max(20, share(bare, 0.5)), told);
    if (isFull) assert.ok(p99 <= Math.max(20, 4 * bareP99), told);
  });
});

async function timed(times: number[], asking: () => Promise<{ readonly status: number }>): Promise<void> {
  const sentAt = performance.now();
  assert.equal((await asking()).status, 200);
  times.push(performance.now() - sentAt);
}

/** The time within which this share of the answers came. */
function share(times: readonly number[], part: number): number {
  return [...times].sort((a, b) => a - b)[Math.floor(times.length * part)] ?? 0;
}
