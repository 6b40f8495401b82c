import { deepStrictEqual } from "node:assert/strict";
import { test } from "node:test";
import { parseClientCommand } from "./command.ts";

const cases: readonly (readonly [string, unknown])[] = [
  ["ping", { verb: "ping" }],
  ["version", { verb: "version" }],
  ["echo a b", { verb: "echo", words: ["a", "b"] }],
  ["status", { verb: "status" }],
  ["status --all", { verb: "status-all" }],
  ["status sshd", { verb: "jail-status", jail: "sshd", flavour: "basic" }],
  ["status sshd short", { verb: "jail-status", jail: "sshd", flavour: "short" }],
  ["status sshd cymru", { verb: "jail-status", jail: "sshd", flavour: "basic" }],
  ["banned", { verb: "banned", jail: undefined, addresses: [] }],
  ["banned 192.0.2.1", { verb: "banned", jail: undefined, addresses: ["192.0.2.1"] }],
  ["get sshd banned", { verb: "banned", jail: "sshd", addresses: [] }],
  ["get sshd banip --with-time", { verb: "get", jail: "sshd", option: "banip", words: ["--with-time"] }],
  ["get sshd bantime", { verb: "get", jail: "sshd", option: "bantime", words: [] }],
  ["get dbfile", { verb: "get-server", option: "dbfile" }],
  ["set sshd banip 192.0.2.1 2001:db8::1", { verb: "ban", jail: "sshd", addresses: ["192.0.2.1", "2001:db8::1"] }],
  ["set sshd unbanip 192.0.2.1", { verb: "unban", jail: "sshd", addresses: ["192.0.2.1"], reportAbsent: false }],
  [
    "set sshd unbanip --report-absent 192.0.2.1",
    { verb: "unban", jail: "sshd", addresses: ["192.0.2.1"], reportAbsent: true },
  ],
  ["unban 192.0.2.1", { verb: "unban", jail: undefined, addresses: ["192.0.2.1"], reportAbsent: false }],
  ["unban --all", { verb: "unban", jail: undefined, addresses: undefined, reportAbsent: false }],
  ["", { verb: "mistake", text: "Invalid command" }],
  ["nonsense", { verb: "mistake", text: "Invalid command" }],
  ["unban", { verb: "mistake", text: "Invalid command" }],
  ["set sshd", { verb: "mistake", text: "Invalid command" }],
  ["get sshd", { verb: "mistake", text: "Invalid command (no get action or not yet implemented)" }],
  [
    "set sshd bantime 900",
    {
      verb: "mistake",
      text: "Invalid command (bantime is set in the configuration's files, and read at a start)",
    },
  ],
];

for (const [line, expected] of cases) {
  test(`fail2ban-client ${line} is understood`, () => {
    const words = line.split(" ").filter((word) => word !== "");
    deepStrictEqual(parseClientCommand(words), expected);
  });
}
