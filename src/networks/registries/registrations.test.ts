import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:net";
import { describe, test } from "node:test";
import { ManualClock } from "../../core/clock.ts";
import { parseIp } from "../../core/ip.ts";
import { type AskRegistry, askRdap, askWhois } from "./ask-registry.ts";
import { Registrations } from "./registrations.ts";
import { type Registry, registries } from "./registry.ts";

const ipOf = (text: string) => parseIp(text) ?? assert.fail(text);
const registration = (first: string, last: string, name: string) => ({
  ...{ first: ipOf(first), last: ipOf(last), name, organisation: "", country: "", origins: [], registry: "ripe" },
});
const ripe = registries.find(({ name }) => name === "ripe") ?? assert.fail("no ripe");

/** A whois server on loopback. */
async function whoisServer(
  answer: (question: string) => string,
): Promise<{ registry: Registry; port: number; stop(): void }> {
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", (data) => socket.end(answer(data.toString())));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return { registry: { ...ripe, whois: "127.0.0.1" }, port, stop: () => server.close() };
}

describe("asking", () => {
  test("case 20: port 43 gets the question without personal objects, and a flood is cut", async () => {
    const questions: string[] = [];
    const server = await whoisServer((question) => {
      questions.push(question);
      return `inetnum: 203.0.113.0/24\nnetname: N\n${"remarks: x\n".repeat(200_000)}`;
    });
    const answer = await askWhois(server.registry, ipOf("203.0.113.1"), "203.0.113.1", server.port);
    server.stop();
    assert.match(questions[0] ?? "", /^-r .*203\.0\.113\.1\r\n$/);
    assert.ok(answer.kind === "found" && answer.registration?.name === "N");
  });

  test("case 17: a registry that says 429 is left alone for as long as it wants", async () => {
    const get = async () => new Response("", { status: 429, headers: { "retry-after": "120" } });
    assert.deepEqual(await askRdap(ripe, ipOf("203.0.113.1"), "203.0.113.1", get), { kind: "denied", waitMs: 120_000 });
  });

  test("a redirect is told, not followed; an endless body is given up", async () => {
    const redirect = async () => new Response("", { status: 302, headers: { location: "http://169.254.169.254/x" } });
    const found = await askRdap(ripe, ipOf("203.0.113.1"), "203.0.113.1", redirect);
    assert.deepEqual(found, { kind: "elsewhere", place: "http://169.254.169.254/x", registration: undefined });
    const flood = async () => new Response("x".repeat(1_000_000));
    assert.deepEqual(await askRdap(ripe, ipOf("203.0.113.1"), "203.0.113.1", flood), {
      kind: "found",
      registration: undefined,
    });
  });
});

describe("registrations", () => {
  const house = (ask: AskRegistry) => {
    const clock = new ManualClock();
    return { clock, registrations: new Registrations({ clock, ask }) };
  };
  const run = async (clock: ManualClock, registrations: Registrations, turns: number) => {
    for (let i = 0; i < turns; i++) {
      await registrations.work();
      clock.advance(2_000);
    }
  };

  test("case 19: from IANA to the registry that knows; one answer serves the whole block", async () => {
    const asked: string[] = [];
    const { clock, registrations } = house(async (registry, _, address) => {
      asked.push(`${registry.name} ${address}`);
      if (registry.name === "iana") return { kind: "elsewhere", place: "whois.ripe.net", registration: undefined };
      return { kind: "found", registration: registration("176.8.0.0", "176.8.3.255", "KALYNA") };
    });
    for (let i = 0; i < 1_000; i++) registrations.find(`176.8.${i >> 8}.${i & 255}`);
    await run(clock, registrations, 3);
    assert.equal(registrations.find("176.8.2.200")?.name, "KALYNA");
    await run(clock, registrations, 3);
    assert.deepEqual(
      asked.filter((one) => one.startsWith("ripe")),
      ["ripe 176.8.0.0"],
    );
    assert.equal(registrations.state.waiting, 0);
  });

  test("a referral to a server that is no known registry is not followed", async () => {
    const asked: string[] = [];
    const { clock, registrations } = house(async (registry) => {
      asked.push(registry.name);
      return { kind: "elsewhere", place: "whois.evil.example", registration: undefined };
    });
    registrations.find("176.8.0.1");
    await run(clock, registrations, 5);
    assert.deepEqual(asked, ["iana"]);
  });

  test("registries that refer to each other are left after a few steps", async () => {
    let asked = 0;
    const { clock, registrations } = house(async (registry) => {
      asked++;
      const place = registry.name === "ripe" ? "whois.apnic.net" : "whois.ripe.net";
      return { kind: "elsewhere", place, registration: undefined };
    });
    registrations.find("176.8.0.1");
    await run(clock, registrations, 20);
    assert.ok(asked <= 5, String(asked));
  });

  test("case 17: a denial stops that registry only, and until it is over", async () => {
    const asked: string[] = [];
    const { clock, registrations } = house(async (registry, _, address) => {
      asked.push(`${registry.name} ${address}`);
      if (registry.name !== "iana") return { kind: "denied", waitMs: 60_000 };
      return {
        kind: "elsewhere",
        place: address.startsWith("176.") ? "whois.ripe.net" : "whois.arin.net",
        registration: undefined,
      };
    });
    registrations.find("176.8.0.1");
    registrations.find("8.8.8.8");
    await run(clock, registrations, 10);
    assert.deepEqual(
      asked.filter((one) => !one.startsWith("iana")),
      ["ripe 176.8.0.1", "arin 8.8.8.8"],
    );
    clock.advance(60_000);
    await run(clock, registrations, 1);
    assert.equal(asked.filter((one) => one === "ripe 176.8.0.1").length, 2);
  });

  test("case 16: one question in two seconds, five hundred a day, a thousand in the queue", async () => {
    let asked = 0;
    const { clock, registrations } = house(async () => {
      asked++;
      return { kind: "found", registration: undefined };
    });
    for (let i = 0; i < 1_500; i++) registrations.find(`9.${i >> 8}.${i & 255}.1`);
    assert.deepEqual([registrations.state.waiting, registrations.state.dropped], [1_000, 500]);
    await registrations.work();
    await registrations.work();
    assert.equal(asked, 1);
    await run(clock, registrations, 700);
    assert.equal(asked, 500);
  });

  test("a registry that cannot be reached is tried later and later", async () => {
    let asked = 0;
    const { clock, registrations } = house(async () => {
      asked++;
      throw new Error("unreachable");
    });
    registrations.find("176.8.0.1");
    await run(clock, registrations, 1_800);
    assert.ok(asked >= 4 && asked <= 7, `${asked} tries in an hour`);
  });

  test("private addresses are nobody's question", () => {
    const { registrations } = house(async () => ({ kind: "found", registration: undefined }));
    for (const address of ["10.0.0.1", "::1", "192.0.2.1", "no address"]) registrations.find(address);
    assert.equal(registrations.state.waiting, 0);
  });
});
