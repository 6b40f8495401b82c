import { strictEqual, throws } from "node:assert/strict";
import { test } from "node:test";
import { fail2banFolder } from "../../../tests/fail2ban-folder.ts";
import { readConfigFiles } from "./config-files.ts";

test("files are read in their order, and a later one wins option by option", (t) => {
  const directory = fail2banFolder(t, {
    "jail.conf":
      "[INCLUDES]\nbefore = first.conf\nafter = last.conf\n[DEFAULT]\na = conf\nb = conf\nc = conf\nd = conf\n[one]\n",
    "first.conf": "[DEFAULT]\na = before\nz = before\n",
    "first.local": "[DEFAULT]\nz = before's own\n",
    "last.conf": "[DEFAULT]\nb = after\n",
    "jail.d/b.conf": "[DEFAULT]\nc = second\n",
    "jail.d/a.conf": "[DEFAULT]\nc = first\nd = first\n",
    "jail.local": "[DEFAULT]\nd = local\n",
    "jail.d/z.local": "[DEFAULT]\nd = last\n",
    "jail.d/ignored.txt": "no INI",
  });
  const tree = readConfigFiles(directory, "jail");
  const read = ["a", "b", "c", "d", "z"].map((option) => tree.find("one", option));
  strictEqual(read.join(", "), "conf, after, second, last, before's own");
});

const values: readonly (readonly [string, string, string])[] = [
  ["another option", "x = %(y)s and %(Y)s\ny = 1", "1 and 1"],
  ["an option of an option", "x = %(y)s\ny = %(z)s\nz = 1", "1"],
  ["the defaults", "x = %(common)s", "all"],
  ["the section's name", "x = %(__name__)s", "one"],
  ["another section", "x = %(two/y)s", "2"],
  ["the defaults by name", "x = %(default/common)s\ncommon = own", "all"],
  ["a sign of percent", "x = 100%%", "100%"],
];

for (const [name, options, expected] of values) {
  test(`%(…)s puts in ${name}`, (t) => {
    const text = `[DEFAULT]\ncommon = all\n[one]\n${options}\n[two]\ny = 2\n`;
    strictEqual(readConfigFiles(fail2banFolder(t, { "jail.conf": text }), "jail").find("one", "x"), expected);
  });
}

test("what a later file replaced is known", (t) => {
  const directory = fail2banFolder(t, {
    "jail.conf": "[one]\nx = old\n",
    "jail.local": "[one]\nx = %(known/x)s and more\n",
  });
  strictEqual(readConfigFiles(directory, "jail").find("one", "x"), "old and more");
});

const mistakes: readonly (readonly [string, string, RegExp])[] = [
  ["a value that refers to itself", "x = %(x)s", /jail\.conf:2: the value of x refers to itself/],
  ["two values that refer to each other", "x = %(y)s\ny = %(x)s", /refers to itself/],
  ["a name that is set nowhere", "x = %(nothing)s", /jail\.conf:2: .*refers to nothing, which is set nowhere/],
  ["a lonely percent", "x = 5% off", /jail\.conf:2: .*neither %% nor/],
];

for (const [name, options, line] of mistakes) {
  test(`${name} is a mistake with its place`, (t) => {
    const tree = readConfigFiles(fail2banFolder(t, { "jail.conf": `[one]\n${options}\n` }), "jail");
    throws(
      () => tree.find("one", "x"),
      (error: { line: string }) => line.test(error.line),
    );
  });
}

test("values that double at each step end", (t) => {
  const doubling = Array.from({ length: 40 }, (_, i) => `x${i} = ${`%(x${i + 1})s`.repeat(8)}`).join("\n");
  const tree = readConfigFiles(fail2banFolder(t, { "jail.conf": `[one]\n${doubling}\nx40 = aaaaaaaa\n` }), "jail");
  throws(() => tree.find("one", "x0"), /refers to itself, or too deeply|grows without end/);
});

test("a name without files is a mistake", (t) => {
  throws(() => readConfigFiles(fail2banFolder(t, { "a.conf": "" }), "jail"), /there is no such file/);
});

test("files that include each other are read once on a way", (t) => {
  const directory = fail2banFolder(t, {
    "jail.conf": "[INCLUDES]\nbefore = other.conf\n[one]\nx = jail\n",
    "other.conf": "[INCLUDES]\nbefore = jail.conf\n[one]\nx = other\n",
  });
  strictEqual(readConfigFiles(directory, "jail").find("one", "x"), "jail");
});
