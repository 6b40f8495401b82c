// doctor against a real Postfix: the printed commands, run by a shell, make it silent, and then each message is asked about once.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { freePort, type PostfixRig, settle, startPostfixRig } from "../../../tests/e2e/postfix-rig.ts";
import { recordingPolicy } from "../../../tests/e2e/recording-policy.ts";
import { sendMail } from "../../../tests/e2e/smtp-client.ts";
import { needs } from "../../../tests/needs.ts";
import { diagnose } from "../doctor/diagnose.ts";
import type { OurSide } from "../doctor/endpoint.ts";
import type { Finding } from "../doctor/finding.ts";
import { inspectPostfix } from "../doctor/inspect.ts";
import { printReport } from "../doctor/report.ts";

const program = new URL("../../main.ts", import.meta.url).pathname;

/** What a wrong configuration changes: main.cf parameters, and `-o` of the submission and the filter's service. */
interface Wrong {
  readonly title: string;
  readonly main: Readonly<Record<string, string>>;
  readonly submission?: string;
  /** Without it there is no filter's service. */
  readonly filter?: string;
  /** Codes that the first run finds, sorted, each once. */
  readonly codes: readonly string[];
}

const limits = { smtpd_client_connection_rate_limit: "10" };
const permits = "permit_mynetworks, reject_non_fqdn_sender, permit_sasl_authenticated, reject_unauth_destination";

/** CALL stands for `check_policy_service inet:127.0.0.1:PORT`, GOOD for the call with its limits. */
const wrongs: readonly Wrong[] = [
  {
    title: "a plain Debian main.cf",
    main: {
      smtpd_recipient_restrictions: "",
      smtpd_end_of_data_restrictions: "",
      smtpd_relay_restrictions: "permit_mynetworks permit_sasl_authenticated defer_unauth_destination",
      smtpd_client_connection_rate_limit: "0",
    },
    codes: ["call-missing", "no-client-limit"],
  },
  {
    title: "the call behind the permits",
    main: {
      ...limits,
      smtpd_recipient_restrictions: `${permits}, CALL`,
      smtpd_end_of_data_restrictions: "permit_mynetworks, permit_sasl_authenticated, GOOD",
    },
    codes: ["call-after-permit", "call-without-limits"],
  },
  {
    title: "the seed's bare calls",
    main: { ...limits, smtpd_recipient_restrictions: `CALL, ${permits}`, smtpd_end_of_data_restrictions: "CALL" },
    codes: ["call-without-limits"],
  },
  {
    title: "a submission service whose lists are emptied, and one blank inside a value",
    main: { ...limits, smtpd_recipient_restrictions: `GOOD, ${permits}`, smtpd_end_of_data_restrictions: "GOOD" },
    submission:
      "-o { smtpd_recipient_restrictions = permit_sasl_authenticated, check_client_access inline:{ {192.0.2.1 = REJECT go away} }, reject } -o smtpd_end_of_data_restrictions=",
    codes: ["call-missing"],
  },
  {
    title: "a content filter that brings mail back",
    main: {
      ...limits,
      mynetworks: "127.0.0.0/8",
      smtpd_recipient_restrictions: `GOOD, ${permits}`,
      smtpd_end_of_data_restrictions: "GOOD",
    },
    filter: "-o content_filter= -o smtpd_authorized_xforward_hosts=127.0.0.0/8",
    codes: ["call-on-reinjection"],
  },
  {
    title: "relaying decided by the recipient list alone, and the call in several lists",
    main: {
      ...limits,
      smtpd_relay_restrictions: "",
      smtpd_sender_restrictions: "CALL",
      smtpd_recipient_restrictions: `GOOD, GOOD, ${permits}`,
      smtpd_end_of_data_restrictions: "GOOD",
    },
    codes: ["call-repeated", "relay-open"],
  },
  {
    title: "the call in a class in a macro behind a permit",
    main: {
      ...limits,
      smtpd_restriction_classes: "ask",
      ask: "CALL, reject_unlisted_sender",
      usual: "permit_mynetworks, permit_sasl_authenticated, ask",
      smtpd_recipient_restrictions: "$usual, reject_unauth_destination",
      smtpd_end_of_data_restrictions: "ask",
    },
    codes: ["call-after-permit", "call-without-limits"],
  },
  {
    title: "refusals that only warn, early refusals, connections that idle too long",
    main: {
      ...limits,
      smtpd_delay_reject: "no",
      smtpd_policy_service_max_idle: "2h",
      smtpd_recipient_restrictions: `warn_if_reject GOOD, ${permits}`,
      smtpd_end_of_data_restrictions: "GOOD",
    },
    codes: ["call-warns-only", "early-refusal", "policy-connection-idle"],
  },
];

test("doctor's commands mend a real Postfix", { skip: needs("root", "postfix", "dovecot") }, async (t) => {
  await using asked = await recordingPolicy("DUNNO");
  await using rig = await startPostfixRig({ parameters: { smtpd_client_event_limit_exceptions: "" } });
  const submission = await freePort();
  const filter = await freePort();
  const original = readFiles(rig);
  const ours: OurSide = { listen: [{ host: "127.0.0.1", port: asked.port }], onError: "pass" };

  for (const wrong of wrongs) {
    await t.test(wrong.title, async () => {
      writeFiles(rig, {
        main: withParameters(original.main, wrong.main, asked.port),
        master: `${original.master}127.0.0.1:${submission} inet n - n - - smtpd ${wrong.submission ?? ""}\n${
          wrong.filter === undefined ? "" : `127.0.0.1:${filter} inet n - n - - smtpd ${wrong.filter}\n`
        }`,
      });
      await mend(rig, ours, wrong.codes);
      asked.requests.length = 0;
      await sendOne(rig.port, ["RCPT", "END-OF-MESSAGE"], asked.requests);
      await sendOne(submission, ["RCPT", "END-OF-MESSAGE"], asked.requests);
      if (wrong.filter !== undefined) await sendOne(filter, [], asked.requests);
    });
  }
});

test("the verb exits 1 with findings, and 0 and silent when its own lines were run", {
  skip: needs("root", "postfix", "dovecot"),
}, async () => {
  await using rig = await startPostfixRig();
  const config = `${rig.directory}/postvarta.toml`;
  writeFileSync(config, `[postfix]\nconfig_directories = ["${rig.configDirectory}"]\n`);
  const found = doctor("--config", config);
  assert.equal(found.status, 1);
  assert.match(found.stdout, /inet never asks us[\s\S]*\n2 errors\./);
  run(rig, found.stdout);
  const silent = doctor("--config", config, "--json");
  assert.deepEqual(JSON.parse(silent.stdout), []);
  assert.equal(silent.status, 0);
});

test("a directory without Postfix is a Problem and not a finding", { skip: needs("postfix") }, () => {
  const { status, stderr } = spawnSync(process.execPath, [program, "doctor"], {
    encoding: "utf8",
    env: { ...process.env, POSTVARTA__POSTFIX__CONFIG_DIRECTORIES: '["/nowhere"]' },
  });
  assert.match(stderr, /^\/nowhere: postconf cannot read this configuration: .*No such file/m);
  assert.equal(status, 1);
});

/** First look: the expected codes; then the printed lines in a shell; second look: silent. */
async function mend(rig: PostfixRig, ours: OurSide, codes: readonly string[]): Promise<void> {
  const first = await look(rig, ours);
  assert.deepEqual([...new Set(first.findings.map((finding) => finding.code))].sort(), codes);
  run(rig, first.report);
  const second = await look(rig, ours);
  assert.deepEqual(second.findings, []);
}

async function look(rig: PostfixRig, ours: OurSide): Promise<{ findings: readonly Finding[]; report: string }> {
  const setup = await inspectPostfix(rig.configDirectory);
  const findings = diagnose(setup, ours).filter((finding) => finding.severity !== "info");
  return { findings, report: printReport([{ setup, findings }], ours, 0) };
}

/** Runs the commands that a report prints, as a person would: in a shell, one after another. */
function run(rig: PostfixRig, report: string): void {
  const commands = report.split("\n").filter((line) => /^ {4}post(conf|fix) -c /.test(line));
  assert.match(commands.at(-1) ?? "", /postfix -c \S+ reload/);
  // For speed only: Postfix waits until a file that was just written is two seconds old.
  const touch = `touch -d '1 minute ago' ${rig.configDirectory}/main.cf ${rig.configDirectory}/master.cf`;
  const input = [...commands.flatMap((command) => [touch, command]), touch].join("\n");
  const shell = spawnSync("/bin/sh", ["-e"], { input, encoding: "utf8", env: { PATH: "/usr/sbin:/usr/bin:/bin" } });
  assert.equal(shell.status, 0, shell.stderr);
}

function doctor(...words: readonly string[]) {
  return spawnSync(process.execPath, [program, "doctor", ...words], { encoding: "utf8" });
}

/** A logged-in message through the port is accepted and asked about in exactly these states. */
async function sendOne(port: number, states: readonly string[], requests: Record<string, string>[]): Promise<void> {
  requests.length = 0;
  const outcome = await sendMail({ port, user: "user3@example.test", recipients: ["someone@out.test"] });
  assert.equal(outcome.final?.code, 250, JSON.stringify(outcome));
  assert.deepEqual(
    requests.map((request) => request["protocol_state"]),
    states,
  );
}

interface Files {
  readonly main: string;
  readonly master: string;
}

function readFiles(rig: PostfixRig): Files {
  const read = (name: string) => readFileSync(`${rig.configDirectory}/${name}`, "utf8");
  return { main: read("main.cf"), master: read("master.cf") };
}

function writeFiles(rig: PostfixRig, files: Files): void {
  writeFileSync(`${rig.configDirectory}/main.cf`, files.main);
  writeFileSync(`${rig.configDirectory}/master.cf`, files.master);
  settle(rig.configDirectory);
}

function withParameters(main: string, parameters: Readonly<Record<string, string>>, port: number): string {
  const kept = main.split("\n").filter((line) => !Object.hasOwn(parameters, line.split(" ")[0] ?? ""));
  const lines = Object.entries(parameters).map(([name, value]) => `${name} = ${withCalls(value, port)}\n`);
  return `${kept.join("\n")}${lines.join("")}`;
}

function withCalls(text: string, port: number): string {
  return text
    .replaceAll("CALL", `check_policy_service inet:127.0.0.1:${port}`)
    .replaceAll("GOOD", `check_policy_service { inet:127.0.0.1:${port}, timeout=3s, default_action=DUNNO }`);
}
