import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { once } from "node:events";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { readConfig } from "../config/config.ts";
import { ManualClock } from "../core/clock.ts";
import { silentLog } from "../core/log.ts";
import type { Notice } from "../core/notice.ts";
import type { Store } from "../store/db.ts";
import { addNotices, listNotices } from "../store/notices.ts";
import { openStore } from "../store/open.ts";
import { post } from "./http-post.ts";
import { Outbox } from "./outbox.ts";

interface Received {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

/** A receiver of posts on loopback. */
class Receiver {
  readonly received: Received[] = [];
  status = 200;
  redirect = "";
  readonly #server = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += chunk;
    this.received.push({ method: request.method ?? "", path: request.url ?? "", headers: request.headers, body });
    response.writeHead(this.status, this.redirect === "" ? {} : { location: this.redirect }).end("said so");
  });

  async start(): Promise<string> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    const address = this.#server.address();
    return `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`;
  }

  stop(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}

const watch: Omit<Notice, "at"> = {
  kind: "account_watch",
  severity: "warning",
  subject: "ann@example.org",
  facts: { score: "61", because: "logins from 7 unfamiliar networks <!channel> @here" },
};

describe("the outbox", () => {
  const directory = mkdtempSync(join(tmpdir(), "postvarta-outbox-"));
  const receiver = new Receiver();
  const stores: Store[] = [];
  let url = "";
  before(async () => {
    url = await receiver.start();
  });
  after(async () => {
    receiver.stop();
    for (const store of stores) await store[Symbol.asyncDispose]();
    rmSync(directory, { recursive: true });
  });

  const outboxOf = async (toml: string) => {
    receiver.received.length = 0;
    receiver.status = 200;
    const file = join(directory, "p.toml");
    writeFileSync(file, `[policy]\ntime_zone = "Europe/Kyiv"\n${toml}`);
    const clock = new ManualClock();
    const store = await openStore("scratch:", { clock });
    stores.push(store);
    const { config } = readConfig({ file, environment: {} });
    const outbox = new Outbox({ store, clock, log: silentLog, settings: config.notices, timeZone: "Europe/Kyiv" });
    return { clock, store, outbox };
  };
  const channel = (kind: string, more = "") =>
    `[[notices.channels]]\nname = "${kind}"\nkind = "${kind}"\nallow_private = true\n${more}\n`;

  const forms: readonly [kind: string, more: () => string, check: (one: Received) => void][] = [
    [
      "webhook",
      () => `url = "${url}/hook"\nsecret = "key"`,
      ({ headers, body }) => {
        const [, seconds, hex] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(String(headers["x-postvarta-signature"])) ?? [];
        assert.equal(hex, createHmac("sha256", "key").update(`${seconds}.${body}`).digest("hex"));
        assert.equal(JSON.parse(body).notices[0].subject, "ann@example.org");
      },
    ],
    [
      "ntfy",
      () => `url = "${url}/base/alerts"\ntoken = "tk"`,
      ({ path, headers, body }) => {
        assert.equal(path, "/base/");
        assert.equal(headers.authorization, "Bearer tk");
        assert.deepEqual([JSON.parse(body).topic, JSON.parse(body).priority], ["alerts", 4]);
      },
    ],
    [
      "telegram",
      () => `url = "${url}"\ntoken = "1:ab"\nchat = "-5"`,
      ({ path, body }) => {
        assert.equal(path, "/bot1:ab/sendMessage");
        assert.deepEqual([JSON.parse(body).chat_id, JSON.parse(body).parse_mode], ["-5", undefined]);
      },
    ],
    [
      "slack",
      () => `url = "${url}/s"`,
      ({ body }) => {
        const { text } = JSON.parse(body);
        assert.ok(text.includes("&lt;!channel&gt;") && !text.includes("<") && !text.includes("@here"));
      },
    ],
    ["mattermost", () => `url = "${url}/m"`, ({ body }) => assert.match(JSON.parse(body).text, /under watch/)],
    [
      "matrix",
      () => `url = "${url}"\ntoken = "tk"\nroom = "!r:example.org"`,
      ({ method, path }) => {
        assert.equal(method, "PUT");
        assert.match(path, /^\/_matrix\/client\/v3\/rooms\/!r%3Aexample\.org\/send\/m\.room\.message\/[\w-]+$/);
      },
    ],
    ["apprise", () => `url = "${url}/notify/k"`, ({ body }) => assert.equal(JSON.parse(body).type, "warning")],
  ];
  for (const [kind, more, check] of forms) {
    test(`${kind} takes a notice in its own form`, async () => {
      const { outbox, store } = await outboxOf(channel(kind, more()));
      await outbox.tell(watch);
      await outbox.work();
      assert.equal(receiver.received.length, 1);
      const [one] = receiver.received;
      if (one !== undefined) check(one);
      assert.equal((await listNotices(store, 5, undefined))[0]?.deliveries[0]?.state, "sent");
    });
  }

  test("mail goes through sendmail, as text, in Ukrainian where that is set", async () => {
    const program = join(directory, "sendmail");
    writeFileSync(program, `#!/bin/sh\necho "$@" > ${directory}/args\ncat > ${directory}/mail\n`);
    chmodSync(program, 0o755);
    const more = `to = ["help@example.org"]\nfrom = "guard@example.org"\nsendmail = "${program}"\nlanguage = "uk"`;
    const { outbox } = await outboxOf(channel("mail", more));
    await outbox.tell({ ...watch, subject: "ann\r\nBcc: evil@example.net" });
    await outbox.work();
    const mail = readFileSync(join(directory, "mail"), "utf8");
    assert.match(readFileSync(join(directory, "args"), "utf8"), /guard@example\.org help@example\.org/);
    assert.match(mail, /^Auto-Submitted: auto-generated$/m);
    assert.match(mail, /^Subject: =\?UTF-8\?/m);
    assert.doesNotMatch(mail, /^Bcc:/im);
  });

  test("an owner hears of the own account only, alone, in plain words", async () => {
    const program = join(directory, "owners-sendmail");
    const mails = join(directory, "owners-mail");
    writeFileSync(program, `#!/bin/sh\ncat >> ${mails}\n`);
    chmodSync(program, 0o755);
    const more = `owner = true\nfrom = "guard@example.org"\nsendmail = "${program}"\nmax_per_hour = 2`;
    const { outbox, store } = await outboxOf(channel("mail", more));
    const contained = { ...watch, kind: "account_contained", severity: "critical", facts: { steps: "freeze done" } };
    for (const subject of ["ann@example.org", "bob@example.org", "eve@example.org", "no address"])
      await outbox.tell({ ...contained, subject } as Omit<Notice, "at">);
    await outbox.tell({ ...contained, kind: "firewall_failing", subject: "ann@example.org" } as Omit<Notice, "at">);
    await outbox.tell({ ...watch, subject: "ann@example.org" });
    await outbox.work();
    const text = readFileSync(mails, "utf8");
    assert.deepEqual(text.match(/^To: .*$/gm)?.toSorted(), [
      "To: ann@example.org",
      "To: bob@example.org",
      "To: eve@example.org",
    ]);
    assert.match(text, /^Subject: Sending from your mailbox ann@example\.org is suspended$/m);
    assert.doesNotMatch(text, /freeze done/, "what we did is staff's business");
    assert.equal((await listNotices(store, 9, undefined)).flatMap(({ deliveries }) => deliveries).length, 3);
  });

  test("case 46: the same about the same subject is told once within the time, then again", async () => {
    const { outbox, clock, store } = await outboxOf(`[notices]\ndedupe = "1h"\n${channel("slack", `url = "${url}"`)}`);
    for (const subject of ["ann", "ann", "bob"]) await outbox.tell({ ...watch, subject });
    await outbox.work();
    assert.equal(receiver.received.length, 2);
    clock.advance(3_600_001);
    await outbox.tell({ ...watch, subject: "ann" });
    await outbox.work();
    assert.equal(receiver.received.length, 3);
    const states = (await listNotices(store, 9, undefined)).flatMap(({ deliveries }) =>
      deliveries.map(({ state }) => state),
    );
    assert.deepEqual(states.toSorted(), ["repeated", "sent", "sent", "sent"]);
  });

  test("what a receiver refuses is tried again later and later, and given up after about a day", async () => {
    const { outbox, clock, store } = await outboxOf(channel("slack", `url = "${url}"`));
    const delivery = async () => (await listNotices(store, 1, undefined))[0]?.deliveries[0];
    receiver.status = 503;
    await outbox.tell(watch);
    await outbox.work();
    assert.deepEqual([(await delivery())?.attempts, (await delivery())?.error], [1, "503 said so"]);
    await outbox.work();
    assert.equal(receiver.received.length, 1, "not before its time");
    const begun = clock.now();
    for (let i = 0; i < 60 && (await delivery())?.state === "waiting"; i++) {
      clock.advance(Math.max(1, ((await delivery())?.dueAt ?? 0) - clock.now()));
      await outbox.work();
    }
    assert.equal((await delivery())?.state, "failed");
    const hours = (clock.now() - begun) / 3_600_000;
    assert.ok(hours > 20 && hours < 30, `given up after ${hours} h`);
  });

  test("a flood ends in one digest", async () => {
    const { outbox, store } = await outboxOf(channel("slack", `url = "${url}"\nmax_per_hour = 3`));
    const notices = Array.from({ length: 50 }, (_, i) => ({ ...watch, subject: `a${i}`, at: i + 1 }));
    await addNotices(store.facts, notices);
    await outbox.work();
    assert.equal(receiver.received.length, 3, "two alone, and the rest in one");
    assert.match(receiver.received[2]?.body ?? "", /48 notices/);
    assert.match(receiver.received[2]?.body ?? "", /and 18 more/);
  });

  test("a test says what the receiver said", async () => {
    const { outbox } = await outboxOf(channel("slack", `url = "${url}"`));
    assert.ok((await outbox.test("slack")) !== undefined);
    assert.equal(await outbox.test("none"), undefined);
    receiver.status = 403;
    await assert.rejects(outbox.test("slack"), /403 said so/);
  });

  test("a redirect is not followed, and nothing private is reached unless allowed", async () => {
    receiver.status = 302;
    receiver.redirect = `${url}/elsewhere`;
    receiver.received.length = 0;
    await assert.rejects(post({ url, body: "{}", allowPrivate: true }), /302/);
    receiver.redirect = "";
    assert.equal(receiver.received.length, 1);
    const port = new URL(url).port;
    for (const host of ["127.0.0.1", "localhost", "[::1]", "0x7f.1", "2130706433", "[::ffff:127.0.0.1]"]) {
      await assert.rejects(
        post({ url: `http://${host}:${port}/`, body: "{}", allowPrivate: false }),
        /not of the public/,
        host,
      );
    }
    assert.equal(receiver.received.length, 1);
  });
});

describe("settings of notices", () => {
  const cases: readonly [name: string, toml: string, error: RegExp][] = [
    [
      "a channel without what it needs",
      '[[notices.channels]]\nname = "o"\nkind = "telegram"\ntoken = "x"',
      /has no chat/,
    ],
    [
      "a setting of another kind",
      '[[notices.channels]]\nname = "o"\nkind = "slack"\nurl = "https://h.example/"\nroom = "r"',
      /does not know room/,
    ],
    ["a file for a URL", '[[notices.channels]]\nname = "o"\nkind = "slack"\nurl = "file:///etc/passwd"', /http/],
    ["a rule for nobody", '[[notices.rules]]\nchannels = ["ops"]', /no channel is called ops/],
    [
      "mail to nobody",
      '[[notices.channels]]\nname = "o"\nkind = "mail"',
      /channel o \(mail\) has no to: to = \["help@example\.org"\], or owner = true/,
    ],
    [
      "mail to two kinds of people",
      '[[notices.channels]]\nname = "o"\nkind = "mail"\nto = ["a@b.example"]\nowner = true',
      /has both to and owner/,
    ],
    ["an odd time", '[notices]\nquiet = "22-7"', /22:00-07:00/],
  ];
  for (const [name, toml, error] of cases) {
    test(`${name} is refused`, () => {
      const file = join(mkdtempSync(join(tmpdir(), "postvarta-notices-")), "p.toml");
      writeFileSync(file, toml);
      assert.throws(() => readConfig({ file, environment: {} }), { message: error });
    });
  }
});
