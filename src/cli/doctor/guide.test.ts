// docs/guide/postfix.md is tried as it stands: its lines go into a real Postfix, and doctor has nothing to say about them.
import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { freePort, settle, startPostfixRig } from "../../../tests/e2e/postfix-rig.ts";
import { recordingPolicy } from "../../../tests/e2e/recording-policy.ts";
import { sendMail } from "../../../tests/e2e/smtp-client.ts";
import { needs } from "../../../tests/needs.ts";
import { diagnose } from "./diagnose.ts";
import { findingCodes } from "./finding.ts";
import { inspectPostfix } from "./inspect.ts";

const guide = readFileSync(new URL("../../../docs/guide/postfix.md", import.meta.url), "utf8");

test("every code stands in the guide and in a case, and the guide has no other", () => {
  const told = [...guide.matchAll(/^\| `([a-z-]+)` \|/gm)].map((match) => match[1]);
  assert.deepEqual(told, [...findingCodes]);
  const cases = new URL("../../../tests/cases/doctor/", import.meta.url);
  const texts = readdirSync(cases)
    .map((file) => readFileSync(new URL(file, cases), "utf8"))
    .join("");
  assert.deepEqual(
    findingCodes.filter((code) => !texts.includes(` ${code} `)),
    [],
  );
});

test("the guide's lines work in a real Postfix", { skip: needs("root", "postfix", "dovecot") }, async () => {
  await using asked = await recordingPolicy("DUNNO");
  await using rig = await startPostfixRig();
  const [submission, filter] = [await freePort(), await freePort()];
  const placed = (text: string) =>
    text
      .replaceAll("10031", String(asked.port))
      .replace(/^submission /m, `127.0.0.1:${submission} `)
      .replace("127.0.0.1:10025", `127.0.0.1:${filter}`);
  const main = readFileSync(`${rig.configDirectory}/main.cf`, "utf8").replace(
    /^smtpd_(recipient|relay|end_of_data)_.*\n/gm,
    "",
  );
  writeFileSync(
    `${rig.configDirectory}/main.cf`,
    main.replace(/^smtpd_client_connection_rate.*\n/m, "") + placed(blocks("main.cf")),
  );
  const master = readFileSync(`${rig.configDirectory}/master.cf`, "utf8");
  writeFileSync(`${rig.configDirectory}/master.cf`, master + placed(blocks("master.cf")));
  settle(rig.configDirectory);

  const ours = { listen: [{ host: "127.0.0.1", port: asked.port }], onError: "pass" } as const;
  const findings = diagnose(await inspectPostfix(rig.configDirectory), ours);
  assert.deepEqual(
    findings.filter((finding) => finding.severity !== "info"),
    [],
  );

  await rig.reload();
  for (const [port, states] of [
    [rig.port, "RCPT END-OF-MESSAGE"],
    [submission, "RCPT END-OF-MESSAGE"],
    [filter, ""],
  ] as const) {
    asked.requests.length = 0;
    const outcome = await sendMail({ port, user: "user2@example.test", recipients: ["someone@out.test"] });
    assert.equal(outcome.final?.code, 250, JSON.stringify(outcome));
    assert.equal(asked.requests.map((request) => request["protocol_state"]).join(" "), states);
  }
});

/** All code blocks of one kind, joined. */
function blocks(kind: string): string {
  return [...guide.matchAll(/^```(\S+)\n([\s\S]*?)^```$/gm)]
    .filter((match) => match[1] === kind)
    .map((match) => match[2])
    .join("");
}
