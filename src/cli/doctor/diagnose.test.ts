// Cases are data: main.cf, dashes, master.cf, dashes, the expected findings. Each is mended by the printed commands alone.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import fc from "fast-check";
import { settle } from "../../../tests/e2e/postfix-rig.ts";
import { needs } from "../../../tests/needs.ts";
import { type ListenAddress, parseListen } from "../../config/listen.ts";
import { endOfDataList, recipientList } from "./call-rules.ts";
import { diagnose } from "./diagnose.ts";
import type { OurSide } from "./endpoint.ts";
import type { Finding } from "./finding.ts";
import { contextOf, holderOf } from "./holder.ts";
import { inspectPostfix, parseSetup } from "./inspect.ts";
import { readList } from "./restrictions.ts";
import { applyEdits, type Edit, type PostfixSetup } from "./setup.ts";

const casesDirectory = new URL("../../../tests/cases/doctor/", import.meta.url);
/** A level of 0 has no relay restrictions of its own; without myhostname postconf asks the DNS; old versions have a note. */
const usual = "compatibility_level = 3.6\nmail_version = 3.11.6\nmyhostname = mail.example.test\n";
const stockLimits = ["auth", "message", "recipient"].map((what) => `smtpd_client_${what}_rate_limit = 100\n`).join("");

for (const file of readdirSync(casesDirectory).sort()) {
  const [main = "", master = "", expected = ""] = readFileSync(new URL(file, casesDirectory), "utf8").split(/^----\n/m);
  const ours = oursOf(main);
  // Notes on limits that are off are the same everywhere; only the case of a fresh Debian shows them.
  const mainText = file.startsWith("debian-as") ? `${usual}${main}` : `${usual}${stockLimits}${main}`;
  const title = file.replace(/\.txt$/, "").replaceAll("-", " ");

  test(`${title}: finds what is wrong, and the printed commands mend it`, () => {
    const setup = parseSetup("/etc/postfix", mainText, master);
    const findings = diagnose(setup, ours);
    assert.equal(findings.map(brief).join(""), expected);
    const mended = applyEdits(setup, findings.flatMap((finding) => finding.mend).map(parseMend));
    assert.deepEqual(faultsOf(mended, ours), []);
  });

  // One more start of postconf costs 50 ms: the quick run tries the cases where postconf's own reading matters most.
  if (process.env["POSTVARTA_FULL"] !== "1" && !/debian|class|chosen|filter|pass|quote/.test(file)) continue;
  test(`${title}: postconf takes the commands and reads the same`, { skip: needs("postfix") }, async () => {
    const directory = mkdtempSync("/tmp/postvarta-doctor-");
    try {
      writeFileSync(`${directory}/main.cf`, mainText);
      writeFileSync(`${directory}/master.cf`, master);
      settle(directory);
      const findings = diagnose(await inspectPostfix(directory), ours);
      assert.equal(findings.map(brief).join(""), expected);
      // The touch is for speed only: postconf waits until a file that was just written is two seconds old.
      const touch = `touch -d '1 minute ago' ${directory}/main.cf ${directory}/master.cf`;
      const script = findings.flatMap((finding) => finding.mend.flatMap((command) => [command, touch])).join("\n");
      execFileSync("/bin/sh", ["-ec", script], { env: { PATH: "/usr/sbin:/usr/bin:/bin" }, stdio: "pipe" });
      assert.deepEqual(faultsOf(await inspectPostfix(directory), ours), []);
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  });
}

test("whatever stands in the lists, all mends together leave no fault, and the other restrictions keep their order", () => {
  const ours: OurSide = { listen: [address("127.0.0.1:10031")], onError: "pass" };
  const step = fc.constantFrom(
    "check_policy_service inet:127.0.0.1:10031",
    "check_policy_service { inet:127.0.0.1:10031, timeout=60s }",
    "warn_if_reject check_policy_service inet:localhost:10031",
    "check_policy_service inet:127.0.0.1:10023",
    "permit_mynetworks",
    "permit_sasl_authenticated",
    "reject_unauth_destination",
    "$common",
    "class_a",
    "warn_if_reject class_a",
    "check_client_access inline:{ { a = OK } }",
  );
  const list = fc.array(step, { maxLength: 6 }).map((steps) => steps.join(", "));
  const lists = fc.record({
    recipient: list,
    end: list,
    relay: list,
    client: list,
    common: list,
    klass: list,
    own: list,
  });
  fc.assert(
    fc.property(lists, fc.boolean(), (texts, filter) => {
      const common = texts.common.replaceAll("$common", "permit_mynetworks").replaceAll("class_a", "reject");
      const main = [
        "smtpd_restriction_classes = class_a",
        `class_a = ${texts.klass.replaceAll("class_a", "reject")}`,
        `common = ${common}`,
        `smtpd_recipient_restrictions = ${texts.recipient}`,
        `smtpd_end_of_data_restrictions = ${texts.end}`,
        `smtpd_relay_restrictions = ${texts.relay}`,
        `smtpd_client_restrictions = ${texts.client}`,
      ].join("\n");
      const master = `smtp inet n - n - - smtpd\nsubmission inet n - n - - smtpd -o { smtpd_recipient_restrictions = ${texts.own} }
127.0.0.1:10025 inet n - n - - smtpd ${filter ? "-o content_filter=" : ""}`;
      const setup = parseSetup("/etc/postfix", main, master);
      const mended = applyEdits(
        setup,
        diagnose(setup, ours)
          .flatMap((finding) => finding.mend)
          .map(parseMend),
      );
      assert.deepEqual(faultsOf(mended, ours), []);
      assert.deepEqual(othersOf(mended, ours), othersOf(setup, ours));
    }),
    { numRuns: process.env["POSTVARTA_FULL"] === "1" ? 20_000 : 300 },
  );
});

/** Every restriction but our call, in the lists that doctor rewrites, for each service that takes mail in. */
function othersOf(setup: PostfixSetup, ours: OurSide): readonly string[] {
  return setup.services.slice(0, 2).flatMap((service) =>
    [recipientList, endOfDataList].map((list) => {
      const holder = holderOf(setup, service, list);
      const steps = readList(holder.raw, contextOf(setup, holder, ours)).filter((step) => step.call === undefined);
      return steps.map((step) => `${step.warnOnly} ${step.name} ${step.argument}`).join(", ");
    }),
  );
}

function brief(finding: Finding): string {
  return `${[finding.severity, finding.code, finding.where, ...finding.services].join(" ")}\n`;
}

function faultsOf(setup: PostfixSetup, ours: OurSide): readonly Finding[] {
  return diagnose(setup, ours).filter((finding) => finding.severity !== "info");
}

function oursOf(main: string): OurSide {
  const listen = /^# listen: (.*)$/m.exec(main)?.[1] ?? "127.0.0.1:10031";
  return { listen: [address(listen)], onError: main.includes("# on_error: defer") ? "defer" : "pass" };
}

function address(text: string): ListenAddress {
  const parsed = parseListen(text);
  assert.ok(parsed !== undefined);
  return parsed;
}

/** What a printed command does, read from its text as a person's shell would. */
function parseMend(line: string): Edit {
  const match = /^postconf -c \/etc\/postfix -(e|P|F) '(.*)'$/.exec(line);
  assert.ok(match !== null, line);
  const [, kind, quotedText = ""] = match;
  const text = quotedText.replaceAll("'\\''", "'");
  const equals = text.indexOf("=");
  const [left, value] = [text.slice(0, equals).trim(), text.slice(equals + 1).trim()];
  if (kind === "e") return { kind: "main", name: left, value };
  const [service, name = ""] = [left.slice(0, left.lastIndexOf("/")), left.slice(left.lastIndexOf("/") + 1)];
  return kind === "F" ? { kind: "chroot", service } : { kind: "service", service, name, value };
}
