// What ./start --demo adds: the example's rules, and a small mail house that asks as Postfix would, for ten minutes. One of its
// accounts is under watch and writes to too many people. node scripts/demo.ts BUNDLE HOST:PORT

import { spawnSync } from "node:child_process";
import { connect, type Socket } from "node:net";
import { join } from "node:path";

const playMs = 600_000;
const pauseMs = 700;
const startTimeoutMs = 15_000;

const [bundle = "", address = ""] = process.argv.slice(2);
const people = ["olena", "petro", "ivan", "maria"];

await applyRules();
const socket = await open();
console.log(`
Demo: four people of example.org write now and then, and newcomer@example.org, who is under watch, writes to everybody.
  ./postvarta status                            what is asked and answered
  ./postvarta explain newcomer@example.org      why it is refused after two recipients
  ./postvarta quota list                        counters, and when they free
It plays for ten minutes; the daemon goes on until you stop it.
`);
const until = Date.now() + playMs;
for (let n = 1; Date.now() < until && !socket.destroyed; n++) {
  const isNewcomer = n % 3 === 0;
  const account = isNewcomer ? "newcomer@example.org" : `${people[n % people.length]}@example.org`;
  await sendMail(account, isNewcomer || n % 5 === 0 ? `person${n}@elsewhere.example` : "office@example.org", n);
  await new Promise((resolve) => setTimeout(resolve, pauseMs));
}
socket.end();

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

async function sendMail(account: string, recipient: string, n: number): Promise<void> {
  const common = {
    // A store remembers the messages of an earlier play.
    instance: `demo.${process.pid}.${n}`,
    client_address: `203.0.113.${n % 200}`,
    sasl_username: account,
    sender: account,
    recipient,
  };
  const answer = await ask({ protocol_state: "RCPT", ...common });
  if (!answer.startsWith("action=DUNNO")) return;
  await ask({ protocol_state: "END-OF-MESSAGE", ...common, queue_id: `DEMO${n}`, recipient_count: "1", size: "4096" });
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
