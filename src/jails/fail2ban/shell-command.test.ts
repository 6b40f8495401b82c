import { deepStrictEqual, match, ok, strictEqual, throws } from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { shellCommand, shellEnvironment } from "./shell-command.ts";

const raw = String.raw;

function run(text: string, values: Readonly<Record<string, string>>, directory?: string): string {
  const command = shellCommand(text);
  const env = { PATH: process.env["PATH"], ...shellEnvironment(command, (tag) => values[tag]) };
  const { stdout, stderr, status } = spawnSync("sh", ["-c", command.text], { env, encoding: "utf8", cwd: directory });
  strictEqual(status, 0, `${command.text}\n${stderr}`);
  return stdout;
}

const forms: readonly (readonly [string, string, string])[] = [
  ["a word", "echo <ip>", 'echo "$f2bV_ip"'],
  ["part of a word", "add <ip>/32 -q", 'add "$f2bV_ip"/32 -q'],
  ["double quotes", 'echo "a <ip> b"', 'echo "a ${f2bV_ip} b"'],
  ["single quotes", "echo 'a <ip> b'", `echo 'a '"$f2bQ_ip"' b'`],
  ["a command in double quotes", 'echo "$(echo <ip>)"', 'echo "$(echo "$f2bV_ip")"'],
  ["backticks", "a=`echo <ip>`", 'a=`echo "$f2bV_ip"`'],
  ["arithmetic", "echo $((<bantime> + 3))", "echo $((${f2bN_bantime} + 3))"],
  ["a comment", "true # it's <ip>\necho <ip>", 'true # it\'s (ip)\necho "$f2bV_ip"'],
  ["a here-document", "cat <<END\n'<ip>'\nEND\necho <ip>", "cat <<END\n'${f2bV_ip}'\nEND\necho \"$f2bV_ip\""],
  ["a value that may be empty", "echo <matches>", 'echo ${f2bV_matches:+"$f2bV_matches"}'],
  ["a group of the filter", 'echo "<F-USER>"', 'echo "${f2bV_F_user}"'],
  ["a backslash before it", raw`echo \<ip>`, 'echo "$f2bV_ip"'],
  ["a redirection", "cat <file >out", "cat <file >out"],
  ["a line end and a blank of the configuration", "a<br>b<sp>c", "a\nb c"],
];

for (const [name, text, expected] of forms) {
  test(`a tag in ${name} becomes a variable of the right form`, () => strictEqual(shellCommand(text).text, expected));
}

test("a tag where the shell expands nothing is refused", () => {
  throws(() => shellCommand("cat <<'END'\n<ip>\nEND", "action.d/x.conf:3"), /here-document/);
});

const hostile = [
  "$(touch owned)",
  "`touch owned`",
  "'; touch owned; '",
  '"; touch owned; "',
  "a\ntouch owned\n",
  "END\ntouch owned",
  "* ? [a-z]",
  "| tee owned",
  raw`\$(touch owned)`,
  "a[$(touch owned)]",
];

const places = [
  "echo <matches>",
  'echo "<matches>"',
  "echo '<matches>'",
  "echo `echo <matches>`",
  'x="$(printf %s "<matches>")"; echo "$x"',
  "cat <<END\n<matches>\nEND",
  "echo $((1 + <matches>))",
  "case <matches> in a) echo a;; *) echo b;; esac",
  'x=${y:-<matches>}; echo "$x"',
  "# <matches>\necho done",
  raw`echo \<matches>`,
];

function emptyFolder(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), "postvarta-shell-"));
  t.after(() => rmSync(directory, { recursive: true }));
  return directory;
}

test("no text of a log is ever run, wherever its tag stands", (t) => {
  const directory = emptyFolder(t);
  for (const place of places) {
    for (const value of hostile) run(place, { matches: value }, directory);
    deepStrictEqual(readdirSync(directory), [], place);
  }
});

test("values arrive whole: blanks, quotation marks and line ends included", () => {
  for (const value of hostile) {
    strictEqual(run('printf %s "<matches>"', { matches: value }), value);
    strictEqual(run("printf %s <matches>", { matches: value }), value);
  }
});

test("between single quotes a harmless value is put in, and of another its variable's name", () => {
  strictEqual(run("echo '/^<F-USER>:/d'", { "F-USER": "bob" }), "/^bob:/d\n");
  strictEqual(run("echo '/^<F-USER>:/d'", { "F-USER": "b/d;p" }), "/^$f2bV_F_user:/d\n");
});

test("a tag without a value is no argument", () => {
  strictEqual(run("set -- <F-PORT> <ip>; echo $#", { ip: "192.0.2.1" }), "1\n");
});

test("a value longer than an environment takes is cut", () => {
  const command = shellCommand('echo "<matches>"');
  const environment = shellEnvironment(command, () => `x\0${"y".repeat(1_000_000)}`);
  ok((environment["f2bV_matches"]?.length ?? 0) <= 60_000);
  match(environment["f2bV_matches"] ?? "", /^xy+$/);
});
