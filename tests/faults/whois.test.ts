// Registries that hang, lie, refuse or are not there: what is asked of them is given up within a limit of time and size, whoever
// looks waits for nothing, and what they say is text and nothing else.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { after, describe, test } from "node:test";
import { ManualClock } from "../../src/core/clock.ts";
import { parseIp } from "../../src/core/ip.ts";
import { askWhois } from "../../src/networks/registries/ask-registry.ts";
import { Registrations } from "../../src/networks/registries/registrations.ts";
import { type Registry, registries } from "../../src/networks/registries/registry.ts";

const ripe = registries.find(({ name }) => name === "ripe") ?? assert.fail("no ripe");
const local: Registry = { ...ripe, whois: "127.0.0.1" };
const address = "203.0.113.1";
const ip = parseIp(address) ?? assert.fail(address);
const sockets = new Set<Socket>();
const stops: (() => void)[] = [];
after(() => {
  for (const socket of sockets) socket.destroy();
  for (const stop of stops) stop();
});

async function serve(answer: (socket: Socket) => void): Promise<number> {
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.once("data", () => answer(socket));
  });
  stops.push(() => server.close());
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const bound = server.address();
  return typeof bound === "object" && bound !== null ? bound.port : 0;
}

describe("a registry", { concurrency: true }, () => {
  const slow: readonly (readonly [name: string, answer: (socket: Socket) => void])[] = [
    ["that hangs", () => {}],
    [
      "that says a byte a second",
      (socket) => {
        const timer = setInterval(() => socket.write("n"), 1_000);
        socket.on("close", () => clearInterval(timer));
      },
    ],
  ];
  for (const [name, answer] of slow) {
    test(`${name} is given up after five seconds`, async () => {
      const begun = performance.now();
      await assert.rejects(askWhois(local, ip, address, await serve(answer)), /no answer within 5 s/);
      assert.ok(performance.now() - begun < 15_000);
    });
  }

  test("that talks without end is cut", async () => {
    const port = await serve((socket) => {
      const pour = () => {
        while (!socket.destroyed && socket.write("remarks: x\n".repeat(5_000)));
      };
      socket.on("drain", pour);
      pour();
    });
    assert.deepEqual((await askWhois(local, ip, address, port)).kind, "found");
  });

  test("that is not there is an error, and nothing else waits", async () => {
    await assert.rejects(askWhois(local, ip, address, 1), /ECONNREFUSED/);
  });

  test("that lies gives text that is kept as text: no command, no markup, no terminal codes run", async () => {
    const hostile = [
      ["\n~!touch /tmp/postvarta-pwn\n", ""],
      ["netname: $(touch /tmp/postvarta-pwn)\n", "$(touch /tmp/postvarta-pwn)"],
      ["netname: <script>alert(1)</script>\n", "<script>alert(1)</script>"],
    ] as const;
    for (const [text, name] of hostile) {
      const port = await serve((socket) => socket.end(`inetnum: 203.0.113.0 - 203.0.113.255\n${text}`));
      const answer = await askWhois(local, ip, address, port);
      assert.ok(answer.kind !== "denied");
      assert.equal(answer.registration?.name ?? "", name);
    }
    assert.equal(existsSync("/tmp/postvarta-pwn"), false);
  });

  test("that tells of another block than the one that was asked for is not believed", async () => {
    const port = await serve((socket) => socket.end("inetnum: 192.0.2.0 - 192.0.2.255\nnetname: OTHERS\n"));
    const answer = await askWhois(local, ip, address, port);
    assert.equal(answer.kind === "denied" ? "denied" : answer.registration, undefined);
  });

  test("that refers to itself, to loopback or in a circle is asked no more", async () => {
    for (const place of ["127.0.0.1", "localhost", "[::1]:5432", "whois.ripe.net"]) {
      let asked = 0;
      const clock = new ManualClock();
      const registrations = new Registrations({
        clock,
        first: ripe,
        ask: async () => {
          asked++;
          return { kind: "elsewhere", place, registration: undefined };
        },
      });
      registrations.find("8.8.8.8");
      for (let turn = 0; turn < 10; turn++) {
        await registrations.work();
        clock.advance(2_000);
      }
      assert.equal(asked, 1, place);
    }
  });

  test("that hangs for ever keeps nobody waiting: a look answers at once, and the queue has a limit", async () => {
    const registrations = new Registrations({ clock: new ManualClock(), ask: () => new Promise(() => {}) });
    void registrations.work();
    const begun = process.cpuUsage();
    for (let i = 0; i < 5_000; i++) assert.equal(registrations.find(`9.${i >> 8}.${i & 255}.1`), undefined);
    void registrations.work();
    const { user, system } = process.cpuUsage(begun);
    assert.deepEqual([registrations.state.waiting, registrations.state.dropped], [1_000, 4_000]);
    assert.ok((user + system) / 1_000 < 1_000, `${(user + system) / 1_000} ms for 5000 looks`);
  });
});
