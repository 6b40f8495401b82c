import assert from "node:assert/strict";
import { test } from "node:test";
import { parseListen, printListen, staysHere } from "./listen.ts";

for (const [text, printed, here] of [
  ["127.0.0.1:10031", "127.0.0.1:10031", true],
  ["127.9.9.9:0", "127.9.9.9:0", true],
  ["localhost:8031", "127.0.0.1:8031", true],
  ["[::1]:10031", "[::1]:10031", true],
  ["[0:0::1]:10031", "[::1]:10031", true],
  ["[::ffff:127.0.0.1]:1", "127.0.0.1:1", true],
  ["unix:/run/postvarta/policy.sock", "unix:/run/postvarta/policy.sock", true],
  ["0.0.0.0:10031", "0.0.0.0:10031", false],
  ["[::]:10031", "[::]:10031", false],
  ["192.0.2.1:65535", "192.0.2.1:65535", false],
] as const) {
  test(`${text} is an address ${here ? "of this machine only" : "open to others"}`, () => {
    const address = parseListen(text);
    assert.ok(address !== undefined);
    assert.equal(printListen(address), printed);
    assert.equal(staysHere(address), here);
  });
}

for (const text of [
  "",
  "10031",
  ":10031",
  "*:10031",
  "mx.example.com:10031",
  "127.0.0.1",
  "127.0.0.1:",
  "127.0.0.1:65536",
  "127.0.0.1:-1",
  "127.0.0.1:1 ",
  "::1:10031",
  "[127.0.0.1:1",
  "[::1]10031",
  "unix:",
  `unix:/${"x".repeat(103)}`,
  "unix:/a\0b",
  "inet:10031@127.0.0.1",
]) {
  test(`${JSON.stringify(text.slice(0, 30))} is no address`, () => assert.equal(parseListen(text), undefined));
}
