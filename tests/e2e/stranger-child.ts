// A client in another network namespace, run there as a program of its own: `mail HOST FROM USER COUNT` sends messages in one session
// and stays in it until the server ends it; `knock HOST FROM` tries to connect again and again until its input ends.
// It tells line by line what became of it.

import net from "node:net";
import { SmtpClient, sendMessage } from "./smtp-client.ts";

const smtpPort = 25;
const knockMs = 30;
/** A packet that is dropped is answered by nobody. */
const knockTimeoutMs = 250;
/** Sessions are watched a little while each: how long they stay is the test's matter. */
const waitsMax = 4;

const [what, host = "", from = "", user = "", count = "1"] = process.argv.slice(2);
if (what === "mail") await mail();
else if (what === "knock") await knock();
else throw new Error(`neither mail nor knock: ${what}`);

async function mail(): Promise<void> {
  await using client = await SmtpClient.connect(smtpPort, "", { host, localAddress: from });
  await client.ehlo();
  if (user !== "-") say(`auth ${(await client.authPlain(user, "secret")).code}`);
  const sender = user === "-" ? "someone@outside.test" : user;
  for (let i = 0; i < Number(count); i++) {
    const outcome = await sendMessage(client, { sender, recipients: [`to${i}@example.test`] });
    const [first] = outcome.recipients;
    say(`rcpt ${first?.code} ${first?.text}`);
  }
  say("sent");
  for (let i = 0; i < waitsMax; i++) {
    const end = await client.reply().catch(() => undefined);
    if (end === undefined) continue;
    say(end.code === 0 ? "cut" : `told ${end.code}`);
    return;
  }
  say("still open");
}

async function knock(): Promise<void> {
  let isOver = false;
  process.stdin.on("end", () => (isOver = true)).resume();
  let tries = 0;
  let passed = 0;
  while (!isOver) {
    tries++;
    if (await connects()) passed++;
    if (tries === 1) say("knocking");
    await new Promise((resolve) => setTimeout(resolve, knockMs));
  }
  say(JSON.stringify({ tries, passed }));
}

function connects(): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect({ port: smtpPort, host, localAddress: from });
    const end = (value: boolean) => {
      socket.destroy();
      resolve(value);
    };
    socket.setTimeout(knockTimeoutMs, () => end(false));
    socket.once("connect", () => end(true)).once("error", () => end(false));
  });
}

function say(text: string): void {
  process.stdout.write(`${text.replaceAll("\n", " ")}\n`);
}
