// What ./start --demo adds: the example's rules, and a small mail house that asks as Postfix would and logs as it does, for ten
// minutes. One of its accounts is under watch and writes to too many people; somebody guesses passwords; and soon somebody else has
// petro's password. node scripts/demo.ts BUNDLE HOST:PORT LOG

import { spawnSync } from "node:child_process";
import { appendFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { type DemoMail, people, refusedPassword, refusedRecipient, sentLines } from "./demo-lines.ts";

const playMs = 600_000;
const pauseMs = 700;
const startTimeoutMs = 15_000;

/** Turns of the play: when the guesser comes, and the thief, and how often they act. */
const guesser = { from: 10, to: 30, each: 2, ip: "198.51.100.77" };
const thief = { from: 20, each: 6, account: "petro@example.org" };
const newcomer = ["newcomer@example.org", ["178.133.2.2"]] as const;
/** Access networks of many countries. */
const abroad = [
  "115.75.1.1",
  "36.70.1.1",
  "189.46.1.1",
  "197.210.50.1",
  "113.70.1.1",
  "49.36.1.1",
  "91.14.1.1",
  "90.1.2.3",
];

const [bundle = "", address = "", log = ""] = process.argv.slice(2);

await applyRules();
const socket = await open();
console.log(`
Demo: four people of example.org, two weeks of whose logins are known, write now and then. newcomer@example.org, who is under watch,
writes to everybody; a stranger guesses passwords; and soon somebody else writes from eight countries as petro@example.org.
  ./postvarta status                                how it stands
  ./postvarta explain newcomer@example.org          why it is refused after two recipients
  ./postvarta bans                                  who guessed
  ./postvarta accounts list                         who looks stolen, and why
  ./postvarta accounts contain petro@example.org    what would be done about it
It plays for ten minutes; the daemon goes on until you stop it. The next --demo begins anew.
`);
const until = Date.now() + playMs;
for (let n = 1; Date.now() < until && !socket.destroyed; n++) {
  await play(n);
  await new Promise((resolve) => setTimeout(resolve, pauseMs));
}
socket.end();

/** One turn: an ordinary message, and whoever else is about. */
async function play(n: number): Promise<void> {
  const [account, [ip]] = (n % 3 === 0 ? undefined : people[n % people.length]) ?? newcomer;
  const isOutside = n % 3 === 0 || n % 5 === 0;
  await sendMail(n, { account, ip, recipients: [isOutside ? `person${n}@elsewhere.example` : "office@example.org"] });
  if (n >= guesser.from && n < guesser.to && n % guesser.each === 0)
    appendFileSync(log, refusedPassword(Date.now(), guesser.ip, `info${n}@example.org`));
  if (n >= thief.from && n % thief.each === 0) await steal(n);
}

/** To many who do not exist, each time from elsewhere. */
async function steal(n: number): Promise<void> {
  const recipients = Array.from({ length: 5 }, (_, i) => `list${n}.${i}@elsewhere.example`);
  const ip = abroad[(n / thief.each) % abroad.length] ?? "";
  await sendMail(n + 100_000, { account: thief.account, ip, recipients, bounced: 2, size: 4_321 });
}

/** The daemon is starting beside us: asked again until it answers. One that ran before us has rules of somebody's. */
async function applyRules(): Promise<void> {
  const deadline = Date.now() + startTimeoutMs;
  let asked = postvarta("status", "--json");
  while (asked.status === 3 && Date.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 200));
    asked = postvarta("status", "--json");
  }
  if (asked.status !== 0) leave(`the daemon does not answer: ${asked.stderr}`);
  if (!asked.stdout.includes(JSON.stringify(process.env["POSTVARTA__STORE__URL"])))
    leave("another daemon of this checkout runs already: stop it first");
  const { status, stderr } = postvarta("policy", "apply", join(import.meta.dirname, "../docs/examples/newuser.toml"));
  if (status !== 0) leave(`it cannot give its rules: ${stderr}`);
}

function postvarta(...words: readonly string[]) {
  return spawnSync(process.execPath, [bundle, ...words], { encoding: "utf8" });
}

function leave(why: string): never {
  console.error(`Demo: nothing is played: ${why.trim()}`);
  process.exit(1);
}

function open(): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const [, host, port] = /^\[?([^\]]+)\]?:(\d+)$/.exec(address) ?? [];
    if (host === undefined) leave(`it plays over TCP, and Postfix is to ask at ${address}`);
    const opened = connect(Number(port), host, () => resolve(opened));
    opened.on("error", reject);
  });
}

/** Asks at each recipient and at the end, as smtpd does, and logs what Postfix would. */
async function sendMail(n: number, mail: Omit<DemoMail, "at" | "queueId">): Promise<void> {
  const { account, ip, recipients, size = 4_096 } = mail;
  // A store remembers the messages of an earlier play.
  const instance = `demo.${process.pid}.${n}`;
  const common = { instance, client_address: ip, sasl_username: account, sender: account };
  for (const recipient of recipients) {
    const answer = await ask({ protocol_state: "RCPT", ...common, recipient });
    if (answer.startsWith("action=DUNNO")) continue;
    const text = /^action=\S+ ([^\n]*)/.exec(answer)?.[1] ?? "";
    appendFileSync(log, refusedRecipient(Date.now(), ip, account, recipient, text));
    return;
  }
  const queueId = `DEMO${process.pid.toString(36).toUpperCase()}N${n}`;
  const end = { queue_id: queueId, recipient_count: String(recipients.length), size: String(size) };
  const answer = await ask({ protocol_state: "END-OF-MESSAGE", ...common, recipient: "", ...end });
  if (answer.startsWith("action=DUNNO")) appendFileSync(log, sentLines({ ...mail, at: Date.now(), queueId }));
}

/** When the daemon closes, nothing is left to wait for and the process ends. */
function ask(attributes: Readonly<Record<string, string>>): Promise<string> {
  const lines = Object.entries(attributes).map(
    ([name, value]) => `${name}=${value}
`,
  );
  return new Promise((resolve) => {
    socket.once("data", (bytes) => resolve(bytes.toString("latin1")));
    socket.write(`request=smtpd_access_policy
${lines.join("")}
`);
  });
}
