import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { type Attributes, PolicyClient, questionText } from "../../tests/policy-client.ts";
import { silentLog } from "../core/log.ts";
import type { Request } from "./request.ts";
import { PolicyServer, type PolicyServerOptions } from "./server.ts";
import type { Verdict } from "./verdict.ts";

interface Running<State> extends AsyncDisposable {
  readonly server: PolicyServer<State>;
  readonly port: number;
  client(timeoutMs?: number): Promise<PolicyClient>;
}

/** A server on a free loopback port; its clients are closed with it. */
async function start<State = unknown>(options: Partial<PolicyServerOptions<State>> = {}): Promise<Running<State>> {
  const server = new PolicyServer<State>({
    listen: [{ host: "127.0.0.1", port: 0 }],
    allow: [],
    decide: (request) => Promise.resolve({ kind: "reject", text: request.sender }),
    answerOk: false,
    log: silentLog,
    ...options,
  });
  await server.start();
  const port = Number(server.addresses[0]?.split(":").at(-1));
  const clients: PolicyClient[] = [];
  return {
    server,
    port,
    client: async (timeoutMs) => {
      const client = await PolicyClient.connect({ port }, timeoutMs);
      clients.push(client);
      return client;
    },
    [Symbol.asyncDispose]: async () => {
      for (const client of clients) client[Symbol.dispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

async function until(what: string, isTrue: () => boolean): Promise<void> {
  for (let i = 0; i < 500; i++) {
    if (isTrue()) return;
    await wait(10);
  }
  throw new Error(`waited 5 s for ${what}`);
}

/** decide that waits until the test says the verdict. */
function heldDecisions() {
  const asked: { request: Request; say: (verdict: Verdict | undefined) => void }[] = [];
  const decide = (request: Request) => new Promise<Verdict | undefined>((say) => asked.push({ request, say }));
  return { asked, decide };
}

test("every state of Postfix is answered and the connection stays open (case 92)", async () => {
  await using running = await start({ decide: () => Promise.resolve({ kind: "dunno" }) });
  const client = await running.client();
  const states = [
    "CONNECT",
    "EHLO",
    "HELO",
    "MAIL",
    "RCPT",
    "DATA",
    "END-OF-MESSAGE",
    "VRFY",
    "ETRN",
    "XNEW",
    "__proto__",
  ];
  for (const state of states) {
    assert.equal(await client.ask({ protocol_state: state, instance: "" }), "DUNNO", state);
  }
  assert.equal(client.isClosed, false);
  const { requests, accepted, open } = running.server.stats();
  assert.deepEqual([accepted, open], [1, 1]);
  assert.deepEqual(
    [requests.get("CONNECT"), requests.get("VRFY"), requests.get("OTHER"), requests.size],
    [1, 1, 2, 10],
  );
});

test("one-byte packets, CRLF and two requests in a packet are answered, each once, in order (case 95)", async () => {
  await using running = await start();
  const client = await running.client();
  await client.writePieces(questionText({ sender: "1@x" }));
  assert.equal(await client.answer(), "REJECT 1@x");
  client.write(questionText({ sender: "2@x" }).replaceAll("\n", "\r\n"));
  assert.equal(await client.answer(), "REJECT 2@x");
  client.write(questionText({ sender: "3@x" }) + questionText({ sender: "4@x" }));
  assert.deepEqual([await client.answer(), await client.answer()], ["REJECT 3@x", "REJECT 4@x"]);
  assert.equal(client.received, "");
});

test("odd attributes are answered (case 96)", async () => {
  await using running = await start();
  const client = await running.client();
  const odd: readonly (readonly [Attributes, string])[] = [
    [{ unheard_of: "x", __proto__x: "y", constructor: "z" }, "REJECT a@example.com"],
    [{ sender: "a=b@x" }, "REJECT a=b@x"],
    [{ helo_name: "\xff\xfe\x80" }, "REJECT a@example.com"],
    [{ sender: "\xe4@x" }, "REJECT ?@x"],
    [{ sender: "first@x\nsender=last@x" }, "REJECT last@x"],
  ];
  for (const [attributes, action] of odd) assert.equal(await client.ask(attributes), action);
});

test("a request that cannot be read closes the connection without an answer (case 97)", async () => {
  await using running = await start();
  const big = await running.client();
  assert.equal(await big.ask({ ccert_subject: "x".repeat(17_000) }), "REJECT a@example.com");
  assert.equal(await big.ask({ ccert_subject: "x".repeat(65_000) }), "REJECT a@example.com");
  for (const [fault, text] of [
    ["too-long", questionText({ ccert_subject: "x".repeat(66_000) })],
    ["too-long", "x".repeat(70_000)],
    ["too-many-attributes", "a=\n".repeat(1_001)],
    ["nul", questionText({ helo_name: "a\0b" })],
    ["not-policy", questionText({ request: "junk" })],
    ["not-policy", "GET / HTTP/1.0\r\n\r\n"],
    ["no-state", questionText({ protocol_state: undefined })],
  ] as const) {
    const before = running.server.stats().protocolErrors.get(fault) ?? 0;
    const client = await running.client();
    client.write(text);
    assert.equal(await client.closed(), "", fault);
    assert.equal(running.server.stats().protocolErrors.get(fault), before + 1, fault);
  }
  assert.equal(await big.ask(), "REJECT a@example.com");
});

test("five hundred open connections are all answered (case 98)", async () => {
  await using running = await start();
  const clients = await Promise.all(Array.from({ length: 500 }, () => running.client(20_000)));
  for (let round = 0; round < 3; round++) {
    const actions = await Promise.all(clients.map((client, i) => client.ask({ sender: `${i}-${round}@x` })));
    assert.deepEqual(
      actions,
      clients.map((_, i) => `REJECT ${i}-${round}@x`),
    );
  }
  assert.equal(running.server.stats().requests.get("RCPT"), 1_500);
});

test("a text with line ends and foreign letters leaves as one printable line (case 104)", async () => {
  const text = "nein\r\n\r\naction=OK\n\nü\x1b";
  await using running = await start({ decide: () => Promise.resolve({ kind: "reject", text }) });
  const client = await running.client();
  assert.equal(await client.ask(), "REJECT nein    action=OK  ?");
  assert.equal(await client.ask(), "REJECT nein    action=OK  ?");
});

test("questions of one connection are decided one at a time, those of others at the same time", async () => {
  const { asked, decide } = heldDecisions();
  await using running = await start({ decide });
  const [a, b] = [await running.client(), await running.client()];
  a.write(questionText({ sender: "a1" }) + questionText({ sender: "a2" }));
  b.write(questionText({ sender: "b1" }));
  await until("two questions", () => asked.length === 2);
  await wait(30);
  assert.deepEqual(asked.map(({ request }) => request.sender).sort(), ["a1", "b1"]);
  for (const { request, say } of [...asked]) say({ kind: "reject", text: request.sender });
  assert.deepEqual([await a.answer(), await b.answer()], ["REJECT a1", "REJECT b1"]);
  await until("the third question", () => asked.length === 3);
  asked[2]?.say({ kind: "dunno" });
  assert.equal(await a.answer(), "DUNNO");
});

test("a question that comes while another is decided is answered after it, and so is the next", async () => {
  const { asked, decide } = heldDecisions();
  await using running = await start({ decide });
  const client = await running.client();
  for (const sender of ["1", "2", "3"]) {
    client.write(questionText({ sender }));
    await wait(20);
  }
  for (const [i, sender] of ["1", "2", "3", "4"].entries()) {
    if (i === 3) client.write(questionText({ sender }));
    await until(sender, () => asked.length === i + 1);
    asked[i]?.say({ kind: "reject", text: asked[i]?.request.sender ?? "" });
    assert.equal(await client.answer(), `REJECT ${sender}`);
  }
});

test("no verdict, an error and a throw send nothing and close, so that Postfix asks again", async () => {
  const decisions: (() => Promise<Verdict | undefined>)[] = [
    () => Promise.resolve(undefined),
    () => Promise.reject(new Error("store is gone")),
    () => {
      throw new Error("bug");
    },
  ];
  await using running = await start({ decide: () => decisions.shift()?.() ?? Promise.resolve({ kind: "dunno" }) });
  for (let i = 1; i <= 3; i++) {
    const client = await running.client();
    client.write(questionText() + questionText());
    assert.equal(await client.closed(), "");
    assert.equal(running.server.stats().undecided, i);
  }
  assert.equal(await (await running.client()).ask(), "DUNNO");
});

test("what the engine keeps at a connection stays there until onClose", async () => {
  const ended: [number, number | undefined][] = [];
  await using running = await start<number>({
    decide: (_, connection) => {
      connection.current = (connection.current ?? 0) + 1;
      return Promise.resolve({ kind: "reject", text: `${connection.id}:${connection.current}` });
    },
    onClose: (connection) => ended.push([connection.id, connection.current]),
  });
  const [a, b] = [await running.client(), await running.client()];
  assert.deepEqual([await a.ask(), await a.ask(), await b.ask()], ["REJECT 1:1", "REJECT 1:2", "REJECT 2:1"]);
  a.end();
  await a.closed();
  b.reset();
  await until("both to close", () => ended.length === 2);
  assert.deepEqual(ended, [
    [1, 2],
    [2, 1],
  ]);
});

test("a client that ends its side still gets its answers (fault 14)", async () => {
  const { asked, decide } = heldDecisions();
  await using running = await start({ decide });
  const client = await running.client();
  client.write(questionText({ sender: "1" }) + questionText({ sender: "2" }));
  client.end();
  await until("the question", () => asked.length === 1);
  await wait(20);
  asked[0]?.say({ kind: "reject", text: "1" });
  await until("the second", () => asked.length === 2);
  asked[1]?.say({ kind: "reject", text: "2" });
  assert.deepEqual([await client.answer(), await client.answer()], ["REJECT 1", "REJECT 2"]);
  await client.closed();
});

test("an end or a reset inside a request is counted and harms nobody (fault 14)", async () => {
  await using running = await start();
  const [ending, resetting, other] = [await running.client(), await running.client(), await running.client()];
  for (const client of [ending, resetting]) client.write(questionText().slice(0, 100));
  await wait(30);
  ending.end();
  resetting.reset();
  await until("both", () => running.server.stats().protocolErrors.get("cut") === 2);
  assert.equal(await other.ask(), "REJECT a@example.com");
  assert.equal(running.server.stats().open, 1);
});

test("a client that is gone when its verdict comes is forgotten", async () => {
  const { asked, decide } = heldDecisions();
  await using running = await start({ decide });
  const client = await running.client();
  client.write(questionText());
  await until("the question", () => asked.length === 1);
  client.reset();
  await until("the close", () => running.server.stats().open === 0);
  asked[0]?.say({ kind: "dunno" });
  await wait(10);
  assert.equal(running.server.stats().undecided, 0);
});

test("stopping answers what has been asked, then closes; idle connections close at once", async () => {
  const { asked, decide } = heldDecisions();
  await using running = await start({ decide });
  const [busy, idle] = [await running.client(), await running.client()];
  busy.write(questionText({ sender: "1" }) + questionText({ sender: "2" }));
  await until("the question", () => asked.length === 1);
  const startedAt = performance.now();
  const stopped = running.server[Symbol.asyncDispose]();
  assert.equal(await idle.closed(), "");
  assert.equal(busy.isClosed, false);
  asked[0]?.say({ kind: "dunno" });
  await until("the second", () => asked.length === 2);
  asked[1]?.say({ kind: "dunno" });
  assert.deepEqual([await busy.answer(), await busy.answer()], ["DUNNO", "DUNNO"]);
  await busy.closed();
  await stopped;
  assert.ok(performance.now() - startedAt < 3_000, "it waited for nothing");
  assert.equal(running.server.stats().open, 0);
  await assert.rejects(running.client().then((client) => client.ask()));
});

test("stopping answers the first question of a connection that was just made, and waits for no other", async () => {
  await using running = await start();
  const [fresh, silent] = [await running.client(), await running.client()];
  await until("both", () => running.server.stats().open === 2);
  const stopped = running.server[Symbol.asyncDispose]();
  assert.equal(await fresh.ask(), "REJECT a@example.com");
  await fresh.closed();
  await silent.closed();
  await stopped;
  assert.equal(running.server.stats().open, 0);
});

test("a server that restarts answers the next question of a new connection (fault 21)", async () => {
  const first = await start();
  const { port } = first;
  const client = await first.client();
  assert.equal(await client.ask(), "REJECT a@example.com");
  await first.server[Symbol.asyncDispose]();
  await client.closed();
  await using second = await start({ listen: [{ host: "127.0.0.1", port }] });
  assert.equal(await (await second.client()).ask(), "REJECT a@example.com");
});
