import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { Problems } from "../core/problem.ts";
import { isMailAddress } from "./mail-address.ts";
import { fillTemplate, parseTemplate, type Template } from "./template.ts";
import { fileOf, findTemplate, printTemplate, readTemplates, templateNames } from "./templates.ts";

const folder = mkdtempSync(join(tmpdir(), "postvarta-templates-"));
after(() => rmSync(folder, { recursive: true }));

function parsed(text: string): Template {
  const read = parseTemplate(text, "t.txt", "account_contained");
  assert.ok("title" in read, JSON.stringify(read));
  return read;
}

test("every mistake is told with its file, line and placeholder", () => {
  const cases: readonly (readonly [text: string, line: string])[] = [
    ["Hello {subjct}\n\nx", "t.txt:1: unknown placeholder {subjct}: did you mean {subject}?"],
    [
      "Hello\n\na\nb {constructor}",
      "t.txt:4: unknown placeholder {constructor}: known for account_contained: subject, time, reason, steps, by, next",
    ],
    ["Hello\n\n{steps", "t.txt:3: the placeholder {steps has no end: a } behind it, or {{ for a brace"],
    ["Hello\nbody", "t.txt:2: no empty line stands behind the title: an empty line"],
    ["\n\nbody", "t.txt:1: the template has no title: its first line"],
    [`Hello\n\n${"x".repeat(70_000)}`, "t.txt:1: the template is too long: at most 65536 characters"],
  ];
  for (const [text, line] of cases) {
    const read = parseTemplate(text, "t.txt", "account_contained");
    assert.deepEqual("title" in read ? read : read.map((problem) => problem.line), [line]);
  }
});

test("values go in as they are, a title is one line, and a line with nothing to say is left out", () => {
  const template = parsed("{subject} is held\r\n\r\nDone: {steps}\nNext: {next}\nBraces {{steps}} stay\nend\n\n");
  const filled = fillTemplate(template, { subject: "a\r\nBcc: x {steps} $&", steps: "freeze {next}" });
  assert.equal(filled.title, "a Bcc: x {steps} $& is held");
  assert.equal(filled.body, "Done: freeze {next}\nBraces {steps} stay\nend");
});

test("every built-in template is a template, in both languages, and says what is said without it", () => {
  for (const name of templateNames()) {
    const read = parseTemplate(printTemplate(name), fileOf(name), name.kind);
    assert.ok("title" in read, `${fileOf(name)}: ${JSON.stringify(read)}`);
    const builtIn = findTemplate(new Map(), name);
    if (builtIn !== undefined) assert.deepEqual(read, builtIn);
  }
});

test("the operator's files hold over the built-in ones, and a file that nobody asks for is a mistake", () => {
  writeFileSync(join(folder, "account_contained.owner.uk.txt"), "Своїми словами про {subject}\n\n{time}\n");
  writeFileSync(join(folder, "notes.md"), "{whatever}");
  const own = readTemplates(folder);
  const name = { kind: "account_contained", audience: "owner", language: "uk" } as const;
  assert.equal(findTemplate(own, name)?.title, "Своїми словами про {subject}");
  assert.match(findTemplate(own, { ...name, language: "en" })?.title ?? "", /suspended/);
  assert.equal(findTemplate(own, { ...name, audience: "staff" }), undefined);

  writeFileSync(join(folder, "account_contianed.en.txt"), "x\n\ny\n");
  writeFileSync(join(folder, "ban.en.txt"), "x\n\n\n{adress}\n");
  assert.throws(
    () => readTemplates(folder),
    (error: unknown) => {
      assert.ok(error instanceof Problems);
      assert.deepEqual(
        error.list.map(({ line }) => line.replace(`${folder}/`, "")),
        [
          "account_contianed.en.txt: no notice has a template of this name: did you mean account_contained.en.txt?",
          "ban.en.txt:4: unknown placeholder {adress}: did you mean {address}?",
        ],
      );
      return true;
    },
  );
  assert.throws(() => readTemplates(join(folder, "none")), /cannot be read: there is no such file/);
});

test("an owner is written to at a plain address only", () => {
  for (const good of ["olena@example.org", "o.l+tag@mail.example.org", "олена@example.org", "a_b@x"])
    assert.ok(isMailAddress(good), good);
  for (const bad of [
    "olena",
    "a@b@c",
    "-f@example.org",
    "a,b@example.org",
    "a b@example.org",
    "a@example.org\nBcc: x@y",
    "<a@b.c>",
    "@b.c",
    "a@-b",
    `${"x".repeat(260)}@b.c`,
    "a\u0000@b.c",
    '"a"@b.c',
  ])
    assert.ok(!isMailAddress(bad), bad);
});
