import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createSocket } from "node:dgram";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { connect as connectTls } from "node:tls";
import { testSource } from "../../../tests/contracts/source.ts";
import { freePort } from "../../../tests/e2e/postfix-rig.ts";
import { follow, Remembered } from "../../../tests/log-follower.ts";
import type { Source } from "../source.ts";
import type { SyslogSettings } from "./syslog.ts";
import { syslogSource } from "./syslog.ts";

const host = "127.0.0.1";

async function settingsOf(more: Partial<SyslogSettings> = {}): Promise<SyslogSettings & { readonly port: number }> {
  const port = await freePort();
  return { port, listen: { host, port }, allow: [], tls: undefined, ...more };
}

const opened = (socket: Socket, event: string) =>
  new Promise<void>((resolve, reject) => {
    socket.once(event, () => resolve());
    socket.once("error", reject);
  });

async function until(isTrue: () => boolean): Promise<void> {
  const deadline = performance.now() + 5_000;
  while (!isTrue() && performance.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 5));
}

testSource({
  name: "syslog",
  keeps: false,
  isStream: false,
  async lay() {
    const settings = await settingsOf();
    let socket: Socket | undefined;
    return {
      create: (sourceHost) => syslogSource.create(settings, sourceHost),
      async write(text) {
        if (socket === undefined) {
          socket = connect(settings.port, host);
          await opened(socket, "connect");
        }
        const { promise, resolve } = Promise.withResolvers<void>();
        socket.write(text.replaceAll(/^(?=.)/gm, "<22>"), () => resolve());
        await promise;
      },
      [Symbol.asyncDispose]: async () => void socket?.destroy(),
    };
  },
});

test("datagrams: one message each, whatever line ends are in it", async () => {
  const settings = await settingsOf();
  const remembered = new Remembered();
  await using _ = await follow(remembered, (sourceHost) => [syslogSource.create(settings, sourceHost)]);
  const socket = createSocket("udp4");
  socket.send(
    "<22>Nov 24 07:07:07 mx1 postfix/smtpd[1]: n=1\n<22>Nov 24 07:07:07 mx1 postfix/smtpd[1]: forged\n",
    settings.port,
    host,
  );
  socket.send("<22>1 2026-11-24T07:07:07Z mx1 postfix 1 - - n=2", settings.port, host);
  await until(() => remembered.lines.length >= 2);
  socket.close();
  assert.equal(remembered.lines.length, 2);
  assert.match(remembered.lines[0] ?? "", /n=1 <22>Nov 24 .*forged$/);
});

function makeCertificate(cert: string, key: string, name: string): void {
  const ec = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"];
  const files = ["-nodes", "-keyout", key, "-out", cert];
  execFileSync("openssl", ["req", "-x509", ...ec, ...files, "-subj", `/CN=${name}`, "-days", "2"], { stdio: "ignore" });
}

test("TLS: messages are read; plain text on that port and datagrams are not", async () => {
  const directory = mkdtempSync(join(tmpdir(), "postvarta-tls-"));
  const [cert, key] = [join(directory, "cert.pem"), join(directory, "key.pem")];
  makeCertificate(cert, key, "localhost");
  const settings = await settingsOf({ tls: { cert, key } });
  const remembered = new Remembered();
  await using _ = await follow(remembered, (sourceHost) => [syslogSource.create(settings, sourceHost)]);
  const plain = connect(settings.port, host);
  plain.on("error", () => {});
  plain.write("<22>n=666\n");
  const socket = connectTls({ port: settings.port, host, rejectUnauthorized: false });
  await opened(socket, "secureConnect");
  socket.write("7 <22>n=18 <22>n=22");
  await until(() => remembered.lines.length >= 2);
  socket.destroy();
  plain.destroy();
  rmSync(directory, { recursive: true });
  assert.deepEqual(remembered.numbers, [1, 22]);
});

test("a certificate that was renewed is shown from then on; a broken one leaves the old in force", async () => {
  const directory = mkdtempSync(join(tmpdir(), "postvarta-tls-"));
  const [cert, key] = [join(directory, "cert.pem"), join(directory, "key.pem")];
  makeCertificate(cert, key, "first");
  const settings = await settingsOf({ tls: { cert, key } });
  const sources: Source[] = [];
  await using _ = await follow(new Remembered(), (sourceHost) => {
    sources.push(syslogSource.create(settings, sourceHost));
    return sources;
  });
  const shown = async () => {
    const socket = connectTls({ port: settings.port, host, rejectUnauthorized: false });
    await opened(socket, "secureConnect");
    const name = socket.getPeerCertificate().subject.CN;
    socket.destroy();
    return name;
  };
  assert.equal(await shown(), "first");
  makeCertificate(cert, key, "second");
  sources[0]?.renew?.();
  assert.equal(await shown(), "second");
  writeFileSync(cert, "no certificate");
  sources[0]?.renew?.();
  assert.equal(await shown(), "second");
  rmSync(directory, { recursive: true });
});

test("what is no syslog is refused and told; a port that is taken is a Problem", async () => {
  const settings = await settingsOf();
  const remembered = new Remembered();
  await using follower = await follow(remembered, (sourceHost) => [syslogSource.create(settings, sourceHost)]);
  const socket = connect(settings.port, host);
  socket.on("error", () => {});
  const closed = new Promise((resolve) => socket.on("close", resolve));
  socket.write("9999999999 x");
  await closed;
  assert.match(follower.report()[0]?.troubles.join() ?? "", /1 peers or connections were refused/);
  await assert.rejects(
    follow(new Remembered(), (sourceHost) => [syslogSource.create(settings, sourceHost)]),
    { code: "listen/address", hint: "another program listens there" },
  );
});

test("more connections than 256 are refused, and those that are open go on", async () => {
  const settings = await settingsOf();
  const remembered = new Remembered();
  await using follower = await follow(remembered, (sourceHost) => [syslogSource.create(settings, sourceHost)]);
  const sockets = Array.from({ length: 300 }, () => connect(settings.port, host).on("error", () => {}));
  await until(() => /44 peers/.test(follower.report()[0]?.troubles.join() ?? ""));
  assert.equal(follower.report()[0]?.reading[0]?.at, "256 connections");
  for (const socket of sockets) socket.write("<22>n=1\n");
  await until(() => remembered.lines.length >= 256);
  for (const socket of sockets) socket.destroy();
  assert.equal(remembered.lines.length, 256);
});
