import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { PolicyClient } from "../../tests/policy-client.ts";
import { silentLog } from "../core/log.ts";
import { Problem } from "../core/problem.ts";
import { activatedDescriptors, type ListenAddress } from "./listener.ts";
import { PolicyServer } from "./server.ts";

async function start(listen: readonly ListenAddress[], descriptors?: readonly number[]): Promise<PolicyServer> {
  const server = new PolicyServer({
    listen,
    allow: [],
    decide: (_, connection) =>
      Promise.resolve({ kind: "reject", text: connection.peer === undefined ? "unix" : "tcp" }),
    answerOk: false,
    log: silentLog,
    ...(descriptors === undefined ? {} : { descriptors }),
  });
  await server.start();
  return server;
}

function directory(): { readonly path: string } & Disposable {
  const path = mkdtempSync(join(tmpdir(), "policy-"));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true }) };
}

/** A listening server on a free loopback port. */
async function listening(): Promise<{ readonly server: Server; readonly port: number }> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen({ host: "127.0.0.1", port: 0, exclusive: true }, resolve));
  const address = server.address();
  return { server, port: address !== null && typeof address === "object" ? address.port : 0 };
}

test("a Unix socket is open to Postfix's user, serves, and is gone after the stop", async () => {
  using place = directory();
  const path = join(place.path, "policy.sock");
  const server = await start([{ path }, { host: "127.0.0.1", port: 0 }]);
  assert.equal(statSync(path).mode & 0o777, 0o666);
  using client = await PolicyClient.connect({ path });
  assert.equal(await client.ask(), "REJECT unix");
  const [first, second] = server.addresses;
  assert.equal(first, path);
  using other = await PolicyClient.connect({ port: Number(second?.split(":").at(-1)) });
  assert.equal(await other.ask(), "REJECT tcp");
  await server[Symbol.asyncDispose]();
  assert.equal(existsSync(path), false);
  await using strict = await start([{ path, mode: 0o600 }]);
  assert.equal(statSync(path).mode & 0o777, 0o600);
  assert.equal(strict.stats().open, 0);
});

test("a socket file that a killed process left is taken over", async () => {
  using place = directory();
  const path = join(place.path, "policy.sock");
  const code = `require("node:net").createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, "SIGKILL"))`;
  const child = spawn(process.execPath, ["--eval", code], { stdio: "ignore" });
  await new Promise((resolve) => child.once("exit", resolve));
  assert.ok(existsSync(path));
  await using server = await start([{ path }]);
  using client = await PolicyClient.connect({ path });
  assert.equal(await client.ask(), "REJECT unix");
  assert.equal(server.stats().accepted, 1);
});

test("what somebody uses is left alone: a living socket, a file, a port", async () => {
  using place = directory();
  const [socket, file] = [join(place.path, "policy.sock"), join(place.path, "file")];
  writeFileSync(file, "precious");
  await using server = await start([{ path: socket }, { host: "127.0.0.1", port: 0 }]);
  const port = Number(server.addresses[1]?.split(":").at(-1));
  for (const address of [
    { path: socket },
    { path: file },
    { path: join(place.path, "no", "directory") },
    { host: "127.0.0.1", port },
  ]) {
    await assert.rejects(start([address]), (error) => {
      assert.ok(error instanceof Problem);
      assert.equal(error.code, "listen/address");
      assert.ok(error.hint);
      return true;
    });
  }
  assert.ok(existsSync(file));
  using client = await PolicyClient.connect({ path: socket });
  assert.equal(await client.ask(), "REJECT unix");
});

test("when one address of two cannot be used, none is kept", async () => {
  const { server: taken, port } = await listening();
  using place = directory();
  const path = join(place.path, "policy.sock");
  await assert.rejects(start([{ path }, { host: "127.0.0.1", port }]), { code: "listen/address" });
  assert.equal(existsSync(path), false);
  taken.close();
});

test("descriptors are systemd's only when they were meant for this process (sd_listen_fds(3))", () => {
  for (const [env, expected] of [
    [{ LISTEN_PID: "42", LISTEN_FDS: "2" }, [3, 4]],
    [{ LISTEN_PID: "41", LISTEN_FDS: "2" }, []],
    [{ LISTEN_FDS: "2" }, []],
    [{ LISTEN_PID: "42" }, []],
    [{ LISTEN_PID: "42", LISTEN_FDS: "x" }, []],
    [{ LISTEN_PID: "42", LISTEN_FDS: "-1" }, []],
    [{}, []],
  ] as const) {
    assert.deepEqual(activatedDescriptors(env, 42), expected, JSON.stringify(env));
  }
  assert.equal(activatedDescriptors({ LISTEN_PID: "1", LISTEN_FDS: "1e9" }, 1).length, 64);
});

test("sockets that systemd opened are used in place of our own", { timeout: 20_000 }, async () => {
  const { server: opened, port } = await listening();
  const handle: { fd: number } = Reflect.get(opened, "_handle");
  const child = spawn(process.execPath, ["--input-type=module", "--eval", activatedServer], {
    cwd: import.meta.dirname,
    stdio: ["ignore", "pipe", "inherit", handle.fd],
    env: { ...process.env, LISTEN_FDS: "1" },
  });
  try {
    await new Promise((resolve) => child.stdout?.once("data", resolve));
    // The child alone can answer from here on.
    opened.close();
    using client = await PolicyClient.connect({ port });
    assert.equal(await client.ask(), "DUNNO");
  } finally {
    child.kill("SIGKILL");
  }
});

const activatedServer = `
import { silentLog } from "../core/log.ts";
import { PolicyServer } from "./server.ts";
process.env.LISTEN_PID = String(process.pid);
const server = new PolicyServer({
  listen: [{ host: "127.0.0.1", port: 1 }], allow: [], answerOk: false, log: silentLog,
  decide: () => Promise.resolve({ kind: "dunno" }),
});
await server.start();
console.log(server.addresses.length);
setTimeout(() => process.exit(), 15_000);
`;
