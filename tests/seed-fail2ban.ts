// A Fail2ban configuration as one finds it on a mail server: three jails for Postfix, with pf. Written anew for each test and bench.

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** The filters by name; the first is older than `, sasl_username=` at the end of its lines, the second knows one service. */
export const seedPatterns: Readonly<Record<string, string>> = {
  "postfix-sasl": String.raw`(?i): warning: [-._\w]+\[<HOST>\]: SASL (?:LOGIN|PLAIN|(?:CRAM|DIGEST)-MD5) authentication failed(: [ A-Za-z0-9+/]*={0,2})?\s*$`,
  "postfix-conlim": String.raw`Connection rate limit exceeded: .* from (.*)\[<HOST>\] for service smtp`,
  "postfix-overlim": String.raw`reject: RCPT from (.*)\[<HOST>\]: .*: LIMIT AT QUOTAUSE;`,
};

/** Writes `jail.conf`, `filter.d` and `action.d` into a directory; `more` goes into every jail. */
export function writeSeedFail2ban(directory: string, logpath: string, more = ""): string {
  for (const folder of ["filter.d", "action.d"]) mkdirSync(join(directory, folder), { recursive: true });
  const jails = Object.entries(seedPatterns).map(([name, pattern]) => {
    writeFileSync(join(directory, "filter.d", `${name}.conf`), `[Definition]\nfailregex = ${pattern}\nignoreregex =\n`);
    return `[${name}]\nenabled = true\nfilter = ${name}\naction = pf\nlogpath = ${logpath}\nbantime = 360000\nmaxretry = 4\n${more}\n`;
  });
  writeFileSync(join(directory, "jail.conf"), `[DEFAULT]\nbackend = auto\n\n${jails.join("\n")}`);
  const action = `[Definition]
actionstart =
actionstop =
actioncheck =
actionban = pfctl -t fail2ban -T add <ip>/32
            tcpdrop -la | egrep "(\\.(25|465|110|995) )(<ip>)" | sh
            pfctl -t fail2ban -T show -q > ${join(directory, "fail2ban.txt")}
actionunban = pfctl -t fail2ban -T delete <ip>/32
`;
  writeFileSync(join(directory, "action.d", "pf.conf"), action);
  return directory;
}
