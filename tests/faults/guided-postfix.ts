// A Postfix rig with the lines of docs/guide/postfix.md, and what it told its clients.

import { readFileSync, writeFileSync } from "node:fs";
import { type PostfixRig, settle } from "../e2e/postfix-rig.ts";

const guide = readFileSync(new URL("../../docs/guide/postfix.md", import.meta.url), "utf8");

/** The guide's main.cf lines in place of the rig's own; whoever asks, asks the daemon on `port`. */
export async function useGuide(rig: PostfixRig, port: number): Promise<void> {
  const [, lines = ""] = /```main\.cf\n(.*?)```/s.exec(guide) ?? [];
  const file = `${rig.configDirectory}/main.cf`;
  const kept = readFileSync(file, "utf8").replace(
    /^smtpd_(recipient|relay|end_of_data|client_connection_rate)_.*\n/gm,
    "",
  );
  writeFileSync(file, kept + lines.replaceAll("10031", String(port)));
  settle(rig.configDirectory);
  await rig.reload();
}

/** Lines in which Postfix told a client to come again. */
export function temporaryRefusals(rig: PostfixRig): readonly string[] {
  return rig.mailLog().filter((line) => /reject: .*: 4\d\d /.test(line));
}
