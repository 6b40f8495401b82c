import { deepStrictEqual, ok } from "node:assert";
import { test } from "node:test";
import { LiveSessions } from "./live-sessions.ts";

const at = Date.parse("2026-03-01T12:00:00Z");
const minute = 60_000;

test("sessions are those of the account, asked about within half an hour, each once", () => {
  const sessions = new LiveSessions();
  const see = (account: string, port: number, when: number) =>
    sessions.see({ account, ip: "192.0.2.7", raw: `client_port=${port}\nsize=1` }, when);
  see("a@x", 1001, at - 31 * minute);
  see("a@x", 1002, at - minute);
  see("a@x", 1002, at);
  see("b@x", 1003, at);
  see("b@x", 1004, at);
  see("a@x", 1004, at);
  deepStrictEqual(sessions.of("a@x", at), [
    ["192.0.2.7", 1002],
    ["192.0.2.7", 1004],
  ]);
  deepStrictEqual(sessions.of("b@x", at), [["192.0.2.7", 1003]]);
});

test("a flood of sessions costs those asked about longest ago, and stays within the limit", () => {
  const sessions = new LiveSessions();
  for (let n = 0; n < 100_000; n++)
    sessions.see(
      {
        account: n % 2 === 0 ? "a@x" : "b@x",
        ip: `2001:db8::${(n >> 12).toString(16)}`,
        raw: `client_port=${1 + (n & 4095)}`,
      },
      at,
    );
  const kept = sessions.of("a@x", at).length + sessions.of("b@x", at).length;
  ok(kept <= 20_000 && kept >= 18_000, String(kept));
  deepStrictEqual(sessions.of("b@x", at).at(-1), ["2001:db8::18", 1 + (99_999 & 4095)]);
});

test("the port is its own line's, and what a client says is none", () => {
  const sessions = new LiveSessions();
  const see = (raw: string) => sessions.see({ account: "ann@example.com", ip: "192.0.2.7", raw }, 0);
  see("helo_name=client_port=1\nsasl_sender=client_port=2\n");
  see("size=1\nclient_port=123456\n");
  see("size=1\nclient_port=12x\n");
  see("size=1\nclient_port=\n");
  deepStrictEqual(sessions.of("ann@example.com", 0), []);
  see("helo_name=client_port=1\r\nclient_port=2525\r\nsize=1\r\n");
  see("size=1\nclient_port=41234");
  deepStrictEqual(
    sessions.of("ann@example.com", 0).map(([, port]) => port),
    [2525, 41234],
  );
});
