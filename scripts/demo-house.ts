// What ./start --demo finds: a store that is begun anew, a log with two weeks of logins of four people, and a configuration that follows
// it and acts. node scripts/demo-house.ts FOLDER STORE

import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { type DemoMail, people, refusedPassword, sentLines } from "./demo-lines.ts";

const days = 14;
const mailsADay = 5;
const minuteMs = 60_000;
const dayMs = 1_440 * minuteMs;

const [folder = "", store = ""] = process.argv.slice(2);

if (await answers(process.env["POSTVARTA__CONTROL__SOCKET"] ?? "")) {
  console.error("postvarta: another daemon of this checkout runs already: stop it first");
  process.exit(1);
}
for (const end of ["", "-wal", "-shm"]) rmSync(store + end, { force: true });
mkdirSync(folder, { recursive: true });
const log = join(folder, "mail.log");
writeFileSync(log, twoWeeks(Date.now()));
writeFileSync(join(folder, "postvarta.toml"), configuration(log));

function answers(socket: string): Promise<boolean> {
  return new Promise((resolve) => {
    const asked = connect(socket, () => resolve(true));
    asked.on("error", () => resolve(false)).on("connect", () => asked.destroy());
  });
}

/** In the order of a log: by time. */
function twoWeeks(until: number): string {
  const told: [at: number, lines: string][] = [];
  for (let day = days; day > 0; day--) {
    for (const [nth, [account, addresses]] of people.entries()) {
      for (let mail = 0; mail < mailsADay; mail++) {
        const sent = quietMail(until - day * dayMs, nth, mail);
        told.push([sent.at, sentLines(sent)]);
      }
      const mistyped = until - day * dayMs + (nth + 1) * 47 * minuteMs;
      if ((day + nth) % 5 === 0) told.push([mistyped, refusedPassword(mistyped, addresses[0], account)]);
    }
  }
  told.sort(([a], [b]) => a - b);
  return told.map(([, lines]) => lines).join("");
}

function quietMail(from: number, nth: number, mail: number): DemoMail {
  const [account, addresses] = people[nth] ?? ["", [""]];
  const at = from + (60 + nth * 13 + mail * 120) * minuteMs;
  return {
    at,
    account,
    ip: addresses[mail % addresses.length] ?? "",
    queueId: `4${(at % 1e10).toString(36).toUpperCase()}${nth}${mail}`,
    recipients: [mail % 2 === 0 ? "office@example.org" : `friend${mail}@elsewhere.example`],
    size: 1_500 + ((at / minuteMs) % 40_000),
  };
}

function configuration(path: string): string {
  return `# Written by ./start --demo at each start.
[postfix]
config_directories = []
[[logs]]
path = ${JSON.stringify(path)}
from = "start"
[jails]
mode = "enforce"
[accounts]
mode = "enforce"
`;
}
