import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { after, test } from "node:test";
import { gzipSync } from "node:zlib";
import { Problem } from "../../core/problem.ts";
import { printLogEvents } from "./log-events.ts";

const folder = mkdtempSync(join(tmpdir(), "postvarta-log-events-"));
after(() => rmSync(folder, { recursive: true }));

/** The command on its own, as main.ts will run it. */
const runner = `
import { logEventsCommand } from ${JSON.stringify(new URL("./log-events.ts", import.meta.url).href)};
await logEventsCommand().parseAsync(process.argv.slice(1), { from: "user" }).catch((error) => {
  process.stderr.write(error.line + "\\n");
  process.exitCode = 1;
});`;
const nodeArgs = ["--input-type=module", "--eval", runner, "--"];

function run(args: readonly string[], zone = "UTC") {
  const { status, stdout, stderr } = spawnSync(process.execPath, [...nodeArgs, ...args], {
    encoding: "utf8",
    env: { ...process.env, TZ: zone },
  });
  return {
    status,
    stderr,
    events: stdout
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line)),
  };
}

function put(name: string, text: string | Buffer): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

const refused = (user: string) =>
  `Nov 24 02:47:05 mx postfix/submission/smtpd[1]: warning: unknown[192.0.2.1]: SASL PLAIN authentication failed: (reason unavailable), sasl_username=${user}\n`;

test("an event has the interface's fields, in UTC, in the zone of TZ", () => {
  const path = put("one.log", refused("anna@example.net"));
  assert.deepEqual(run(["--log", path, "--year", "2026", "--format", "ndjson"], "Europe/Kyiv"), {
    status: 0,
    stderr: "",
    events: [
      {
        line: 1,
        time: "2026-11-24T00:47:05Z",
        kind: "auth_failure",
        ip: "192.0.2.1",
        user: "anna@example.net",
        method: "PLAIN",
        queue_id: null,
        reason: "(reason unavailable)",
        service: "submission",
      },
    ],
  });
});

test("nothing to print is no failure", () => {
  assert.deepEqual(run(["--log", put("empty.log", "")]), { status: 0, stderr: "", events: [] });
});

test("several files are one log, and each event names its file", () => {
  const paths = [put("1.log", refused("a")), put("2.gz", gzipSync(refused("b").replace("Nov 24", "Jan  2")))];
  const { events } = run(["--log", ...paths, "--year", "2026"]);
  assert.deepEqual(
    events.map(({ line, time, user, file }) => [line, time, user, file]),
    [
      [1, "2026-11-24T02:47:05Z", "a", paths[0]],
      [1, "2027-01-02T02:47:05Z", "b", paths[1]],
    ],
  );
});

test("text that would act on a terminal is escaped and comes back as it was", () => {
  const user = 'a\u001b[2J\u202e\u0007"\\ї';
  const path = put("esc.log", refused(user));
  const { stdout } = spawnSync(process.execPath, [...nodeArgs, "--log", path], { encoding: "utf8" });
  assert.match(stdout, /^[\x20-\x7eї]+\n$/);
  assert.equal(JSON.parse(stdout).user, user);
});

const options = { log: [put("good.log", refused("a"))], format: "ndjson" };

for (const { wrong, says } of [
  { wrong: { log: [join(folder, "none.log")] }, says: /none\.log: there is no such file/ },
  { wrong: { log: [folder] }, says: /directory/ },
  { wrong: { log: [...options.log, join(folder, "none.log")] }, says: /none\.log/ },
  { wrong: { year: "26" }, says: /--year: 26 is no year/ },
  { wrong: { zone: "Europe/Nowhere" }, says: /--zone/ },
  { wrong: { kinds: "login,logon" }, says: /--kinds: there is no kind logon/ },
  { wrong: { format: "csv" }, says: /--format/ },
]) {
  test(`a mistake is a Problem that says where, and nothing is printed: ${JSON.stringify(Object.keys(wrong))} ${says}`, async () => {
    const output = new PassThrough();
    const printed = printLogEvents({ ...options, ...wrong }, output, new PassThrough());
    await assert.rejects(printed, (error) => error instanceof Problem && says.test(error.line));
    assert.equal(output.read(), null);
  });
}

test("a Problem ends the command with 1", () => {
  const { status, stderr, events } = run(["--log", join(folder, "none.log")]);
  assert.deepEqual([status, events], [1, []]);
  assert.match(stderr, /there is no such file/);
});

test("a reader that goes away ends the command quietly, and a slow one does not fill the memory", async () => {
  const path = put("long.log", refused("anna@example.net").repeat(200_000));
  const child = spawn(process.execPath, [...nodeArgs, "--log", path], { stdio: ["ignore", "pipe", "pipe"] });
  const complaints: Buffer[] = [];
  child.stderr.on("data", (chunk: Buffer) => complaints.push(chunk));
  const exit = new Promise((resolve) => child.on("exit", (code, signal) => resolve(code ?? signal)));
  await new Promise((resolve) => child.stdout.once("data", resolve));
  child.stdout.pause();
  await new Promise((resolve) => setTimeout(resolve, 300));
  assert.equal(child.exitCode, null);
  child.stdout.destroy();
  assert.equal(await exit, 0);
  assert.equal(Buffer.concat(complaints).toString(), "");
});
