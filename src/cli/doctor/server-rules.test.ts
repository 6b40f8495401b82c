import assert from "node:assert/strict";
import { test } from "node:test";
import { parseSetup } from "./inspect.ts";
import { notes } from "./server-rules.ts";
import { printEdit } from "./setup.ts";

const versions: readonly (readonly [string, boolean])[] = [
  ["2.11.3", true],
  ["3.7.11", true],
  ["3.8.19", true],
  ["3.8.20", false],
  ["3.9.13", true],
  ["3.9.14", false],
  ["3.10.12", true],
  ["3.10.13", false],
  ["3.11.5", true],
  ["3.11.6", false],
  ["3.12-20260901", false],
  ["", false],
];
for (const [version, noted] of versions) {
  test(`Postfix ${version || "of unknown version"} ${noted ? "has" : "has no"} note about END-OF-MESSAGE`, () => {
    const setup = parseSetup("/etc/postfix", `mail_version = ${version}`, "smtp inet n - n - - smtpd");
    const codes = notes(setup, { listen: [], onError: "pass" }).map((fault) => fault.code);
    assert.deepEqual(codes, noted ? ["end-of-message-state"] : []);
  });
}

test("commands are quoted for a shell, the directory too", () => {
  const edit = { kind: "main", name: "a", value: "it's $b `c`" } as const;
  assert.equal(printEdit("/etc/my postfix", edit), "postconf -c '/etc/my postfix' -e 'a = it'\\''s $b `c`'");
  assert.equal(
    printEdit("/etc/postfix", { kind: "chroot", service: "smtp/inet" }),
    "postconf -c /etc/postfix -F 'smtp/inet/chroot=n'",
  );
});
