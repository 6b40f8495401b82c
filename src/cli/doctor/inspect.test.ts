import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { Problem } from "../../core/problem.ts";
import { inspectPostfix, parseSetup } from "./inspect.ts";

test("main.cf: comments and continuation lines, the last value wins, defaults for what is not said", () => {
  const main = "# a = b\nsmtpd_recipient_restrictions = one,\n  # comment\n\n\ttwo\na = 1\na =\nbad line\n";
  const { parameters } = parseSetup("/etc/postfix", main, "");
  assert.equal(parameters.get("smtpd_recipient_restrictions"), "one, two");
  assert.equal(parameters.get("a"), "");
  assert.equal(parameters.get("smtpd_policy_service_timeout"), "100s");
});

test("master.cf: only smtpd, with its chroot and both forms of -o", () => {
  const master = `smtp inet n - y - - smtpd
  -o a=1 -ob=2
  -o { c = 3 {4 5} }
smtp inet n - n - 1 postscreen
[::1]:25 inet n - - - - smtpd -v -o a=$b
pickup unix n - y 60 1 pickup -o a=1
`;
  const { services } = parseSetup("/etc/postfix", "", master);
  assert.deepEqual(
    services.map(({ name, chroot, overrides }) => [name, chroot, ...overrides]),
    [
      ["smtp/inet", true, ["a", "1"], ["b", "2"], ["c", "3 {4 5}"]],
      ["[::1]:25/inet", false, ["a", "$b"]],
    ],
  );
});

test("without postconf the files are read, and without files it is a Problem that names the directory", async () => {
  const directory = mkdtempSync("/tmp/postvarta-doctor-");
  try {
    writeFileSync(`${directory}/main.cf`, "a = 1\n");
    writeFileSync(`${directory}/master.cf`, "smtp inet n - n - - smtpd\n");
    const setup = await inspectPostfix(directory, "/nowhere/postconf");
    assert.deepEqual([setup.parameters.get("a"), setup.services.length], ["1", 1]);
    rmSync(`${directory}/master.cf`);
    await assert.rejects(inspectPostfix(directory, "/nowhere/postconf"), (error) => {
      assert.ok(error instanceof Problem);
      assert.deepEqual([error.code, error.where], ["postfix/unreadable", directory]);
      return true;
    });
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});
