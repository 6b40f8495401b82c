// A stand-in for journalctl on machines without systemd: prints the entries of a file, one JSON object a line, and follows it.
// It knows the options that we use and writes down how it was called. Run by a shell script of that name.

import { appendFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const directory = process.env["FAKE_JOURNAL"] ?? "";
const file = join(directory, "entries");
const args = process.argv.slice(2);
const optionOf = (name: string) => args.find((arg) => arg.startsWith(`${name}=`))?.slice(name.length + 1);
const entries = () => (existsSync(file) ? readFileSync(file, "utf8").split(/(?<=\n)/) : []);
const cursorOf = (line: string) => /"__CURSOR":"([^"]*)"/.exec(line)?.[1];

let next = startAt();
// Told once it is known where it begins: whoever reads the calls may add entries from then on.
appendFileSync(join(directory, "calls"), `${JSON.stringify(args)}\n`);
const orders = join(directory, "order");
if (existsSync(orders)) {
  const order = readFileSync(orders, "utf8");
  writeFileSync(orders, "");
  if (order === "die") process.exit(1);
}

if (next < 0) {
  process.stderr.write("Failed to seek to cursor: Invalid argument\n");
  process.exit(1);
}

/** -1 for a cursor that is not there. */
function startAt(): number {
  const cursor = optionOf("--after-cursor");
  if (cursor !== undefined) {
    const found = entries().findIndex((line) => cursorOf(line) === cursor);
    return found < 0 ? -1 : found + 1;
  }
  const since = Number(optionOf("--since")?.slice(1) ?? Number.NaN) * 1e6;
  if (!Number.isNaN(since)) {
    return entries().filter((line) => Number(/"__REALTIME_TIMESTAMP":"(\d+)"/.exec(line)?.[1]) < since).length;
  }
  return args.includes("--lines=1") ? Math.max(0, entries().length - 1) : 0;
}

// journalctl writes when it must; 10 s at most, so that nothing stays behind a test.
const timer = setInterval(() => {
  const all = entries();
  for (; next < all.length && all[next]?.endsWith("\n"); next++) process.stdout.write(all[next] ?? "");
}, 10);
process.stdout.on("error", () => process.exit(0));
setTimeout(() => {
  clearInterval(timer);
  process.exit(0);
}, 10_000);
