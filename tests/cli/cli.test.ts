import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";

const main = join(import.meta.dirname, "../../src/main.ts");
/** A machine that is busy with other tests starts a process in seconds, not in milliseconds. */
const runTimeoutMs = 60_000;

const rules = `
[[groups]]
name = "newuser"
members = ["$noman@example.org"]
[[policies]]
name = "newusers"
members = [{ source = "%newuser" }]
[[policies.quotas]]
name = "newuser hour"
track = "SASLUsername"
text = "LIMIT AT QUOTAUSE"
limits = [{ count = "recipients", max = 1, per = "1h" }]
`;

interface Run {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs one command line as a process of its own. */
function run(args: readonly string[], input = "", environment: NodeJS.ProcessEnv = {}): Promise<Run> {
  return new Promise((resolve, reject) => {
    const env = { ...process.env, ...environment };
    const child = spawn(process.execPath, [main, ...args], { env, timeout: runTimeoutMs });
    let out = "";
    let err = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => (out += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (err += text));
    child.on("error", reject);
    child.on("close", (code) => resolve({ code: code ?? -1, out, err }));
    child.stdin.on("error", () => {});
    child.stdin.end(input);
  });
}

describe("without a daemon", () => {
  let directory = "";
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), "postvarta-cli-"));
  });
  after(() => rm(directory, { recursive: true }));

  test("exit codes: 0 for help and version, 2 for usage, 3 without a daemon", async () => {
    const socket = join(directory, "none.sock");
    const cases: readonly (readonly [args: readonly string[], code: number, err: RegExp])[] = [
      [["--version"], 0, /^$/],
      [["--help"], 0, /^$/],
      [["quota", "raise", "--help"], 0, /^$/],
      [[], 2, /Usage/],
      [["quota"], 2, /Usage/],
      [["frobnicate"], 2, /unknown command/],
      [["quota", "frobnicate"], 2, /unknown command/],
      [["status", "--frobnicate"], 2, /unknown option/],
      [["quota", "raise", "x", "--to", "5"], 2, /--until/],
      [["policy", "explain", "nothing"], 2, /nothing: not an attribute: name=value/],
      [["--socket", socket, "status"], 3, /nobody answers.*is the daemon running\?/],
      [["status", "--socket", socket], 3, /nobody answers/],
      [["policy", "apply", join(directory, "none.toml")], 1, /none.toml: cannot be read/],
    ];
    await Promise.all(
      cases.map(async ([args, code, err]) => {
        const ran = await run(args);
        assert.equal(ran.code, code, `${args.join(" ")}: ${ran.err}`);
        assert.match(ran.err, err);
      }),
    );
  });

  test("with --json mistakes are JSON too", async () => {
    const ran = await run(["--json", "--socket", join(directory, "none.sock"), "status"]);
    assert.equal(ran.code, 3);
    assert.equal(JSON.parse(ran.err).problems[0].code, "control/unreachable");
  });

  test("check-config finds what only the rules can judge: internal, and the file of aliases", async () => {
    const file = join(directory, "judged.toml");
    const cases: readonly (readonly [text: string, err: RegExp])[] = [
      ['[policy]\ninternal = "@@"\n', /^\S+judged\.toml:2: policy\.internal: `@@` is not /],
      [`[accounts]\naliases = "${directory}/none"\n`, /\/none: cannot be read/],
      [
        `[control]\nsocket = "/tmp/${"s".repeat(99)}"\n`,
        /^\S+judged\.toml:2: control\.socket is .*from 1 to 103 bytes/,
      ],
    ];
    for (const [text, err] of cases) {
      await writeFile(file, text);
      const ran = await run(["check-config", file]);
      assert.equal(ran.code, 78, text);
      assert.match(ran.err, err);
    }
  });

  test("a control socket whose path is too long is told so", async () => {
    const ran = await run(["status", "--socket", join(directory, "s".repeat(103))]);
    assert.equal(ran.code, 3);
    assert.match(ran.err, /the path of the control socket is too long: it has \d+ bytes/);
  });

  test("check-config tells every mistake with its line and exits 78", async () => {
    const file = join(directory, "bad.toml");
    await writeFile(file, '[policy]\nmod = "observe"\non_error = "explode"\n');
    const ran = await run(["check-config", file]);
    assert.equal(ran.code, 78);
    assert.match(ran.err, new RegExp(`^${file}:2: .*mode`, "m"));
    assert.match(ran.err, new RegExp(`^${file}:3: .*pass`, "m"));
    const fine = join(directory, "fine.toml");
    await writeFile(fine, '[policy]\nmode = "observe"\n');
    assert.deepEqual(
      [(await run(["check-config", fine])).code, (await run(["--config", fine, "check-config"])).code],
      [0, 0],
    );
  });
});

describe("with a daemon", () => {
  let directory = "";
  let socket = "";
  let policySocket = "";
  let daemon: ChildProcess | undefined;

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), "postvarta-cli-"));
    socket = join(directory, "control.sock");
    policySocket = join(directory, "policy.sock");
    const config = join(directory, "postvarta.toml");
    await writeFile(
      config,
      `[policy]\nlisten = ["unix:${policySocket}"]\n[store]\nurl = "sqlite:${directory}/pv.db"\n[api]\nlisten = "127.0.0.1:0"\n[control]\nsocket = "${socket}"\n`,
    );
    await writeFile(join(directory, "rules.toml"), rules);
    daemon = spawn(process.execPath, [main, "run", "--config", config], { stdio: ["ignore", "ignore", "pipe"] });
    await untilReady(daemon);
  });

  after(async () => {
    daemon?.kill("SIGTERM");
    if (daemon?.exitCode === null) await new Promise((resolve) => daemon?.once("exit", resolve));
    assert.equal(daemon?.exitCode, 0, "SIGTERM is a good end");
    await rm(directory, { recursive: true });
  });

  const ask = (args: readonly string[], input = "") => run([...args, "--socket", socket], input);
  const asked = (recipient: string, instance: string) =>
    askPolicy(policySocket, [
      ...["request=smtpd_access_policy", "protocol_state=RCPT", "sasl_username=noman@example.org"],
      ...["sender=noman@example.org", `recipient=${recipient}`, "client_address=192.0.2.7", `instance=${instance}`],
    ]);

  test("a newcomer's way: apply, ask, look why, raise, reset", async () => {
    const applied = await ask(["policy", "apply", join(directory, "rules.toml")]);
    assert.deepEqual([applied.code, applied.out], [0, "added policy newusers\nadded group newuser\n"]);
    assert.equal((await ask(["policy", "apply", join(directory, "rules.toml")])).out, "nothing changed\n");

    assert.equal(await asked("a@far.example", "i1"), "action=DUNNO");
    assert.equal(await asked("b\u001b[31m@far.example", "i2"), "action=REJECT LIMIT AT QUOTAUSE");

    const shown = await ask(["quota", "show", "noman@example.org"]);
    assert.match(
      shown.out,
      /^newuser hour\/SASLUsername:noman@example.org +1 +1 +recipients +1h +one fits \d{4}-.* \(in \d+ (min|h)\)$/m,
    );
    const explained = await ask(["explain", "noman@example.org"]);
    assert.match(explained.out, /reject LIMIT AT QUOTAUSE/);
    assert.match(explained.out, /1 \+ 1 of 1 recipients in 1h: reject "LIMIT AT QUOTAUSE"/);
    assert.match(explained.out, /b\\u\{1b\}\[31m@far.example/);
    assert.ok(
      !explained.out.includes("\u001b"),
      "no control character of a stranger reaches the terminal, and no colour a pipe",
    );

    const raised = await ask(["quota", "raise", "noman@example.org", "--to", "2", "--until", "1h", "--json"]);
    assert.equal(JSON.parse(raised.out).quotas[0].raised_to, 2);
    assert.equal(await asked("c@far.example", "i3"), "action=DUNNO");
    assert.equal(await asked("d@far.example", "i4"), "action=REJECT LIMIT AT QUOTAUSE");
    assert.equal((await ask(["quota", "reset", "newuser hour/SASLUsername:noman@example.org"])).code, 0);
    assert.equal(await asked("e@far.example", "i5"), "action=DUNNO");
  });

  test("explain says what would be answered, from arguments and from stdin", async () => {
    const args = ["sasl_username=noman@example.org", "recipient=x@far.example"];
    const first = JSON.parse((await ask(["policy", "explain", "--json", ...args])).out);
    assert.deepEqual(Object.keys(first), ["action", "verdict", "trail"]);
    const second = JSON.parse((await ask(["--json", "policy", "explain"], `${args.join("\n")}\n\n`)).out);
    assert.deepEqual(first, second);
    assert.match((await ask(["policy", "explain", "recipient=x@far.example"])).out, /^DUNNO\nno policy matches\n$/);
  });

  test("exit codes: 4 for nothing found, 5 for what is refused, and nothing changed then", async () => {
    const before = (await ask(["policy", "export"])).out;
    assert.equal((await ask(["explain", "nobody@example.org"])).code, 4);
    assert.equal((await ask(["quota", "show", "nobody@example.org"])).code, 4);
    assert.equal((await ask(["group", "show", "nobody"])).code, 4);
    const bad = await ask(["policy", "apply", "-"], `${rules}\n[[policies]]\nname = 1\n`);
    assert.deepEqual([bad.code, bad.out], [5, ""]);
    assert.match(bad.err, /^stdin:15: .*name/m);
    assert.equal((await ask(["group", "add", "newuser", "!!x"])).code, 5);
    assert.equal((await ask(["quota", "raise", "noman@example.org", "--to", "1", "--until", "1h"])).code, 5);
    assert.equal((await ask(["policy", "apply", "-", "--prune", "--dry-run"], "")).code, 0);
    assert.equal((await ask(["policy", "export"])).out, before);
  });

  test("groups change one member at a time", async () => {
    const added = await ask(["group", "add", "newuser", "$eve@example.org", "$noman@example.org"]);
    assert.deepEqual([added.code, added.out], [0, "added: $eve@example.org\nis there already: $noman@example.org\n"]);
    assert.match((await ask(["group", "show", "newuser"])).out, /\$eve@example.org {2}\(added\)/);
    assert.equal(JSON.parse((await ask(["group", "list", "--json"])).out)[0].members, 2);
    assert.equal((await ask(["group", "remove", "newuser", "$eve@example.org"])).out, "removed: $eve@example.org\n");
  });

  test("status has the words of the interface, and a second daemon leaves the first alone", async () => {
    const status = JSON.parse((await ask(["status", "--json"])).out);
    assert.deepEqual([status.store.engine, status.store.writable, status.rules.policies], ["sqlite", true, 1]);
    const second = await run(["run", "--config", join(directory, "postvarta.toml")]);
    assert.notEqual(second.code, 0);
    assert.equal((await ask(["status"])).code, 0);
  });
});

function untilReady(daemon: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let text = "";
    daemon.stderr?.setEncoding("utf8").on("data", (chunk: string) => {
      text += chunk;
      if (/ready /.test(text)) resolve();
    });
    daemon.on("exit", (code) => reject(new Error(`the daemon ended with ${code}: ${text}`)));
  });
}

/** One question on a connection of its own; the answer's line. */
function askPolicy(path: string, lines: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(path, () => socket.write(`${lines.join("\n")}\n\n`));
    let text = "";
    socket.setEncoding("utf8").on("data", (chunk: string) => {
      text += chunk;
      if (text.endsWith("\n\n")) socket.end();
    });
    socket.on("close", () => resolve(text.trim()));
    socket.on("error", reject);
    socket.setTimeout(10_000, () => socket.destroy(new Error("no answer")));
  });
}
