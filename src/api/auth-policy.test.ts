import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, test } from "node:test";
import { Hono } from "hono";
import type { LoginReport } from "../accounts/accounts-owner.ts";
import { addAuthPolicy } from "./auth-policy.ts";

/** As Dovecot 2.3 sends it. */
const sample = {
  ...{ device_id: "", login: "ok@x.test", protocol: "smtp", pwhash: "00f5", remote: "203.0.113.9", session_id: "" },
  ...{ success: true, policy_reject: false, tls: false },
};

function house(key?: string) {
  const reports: LoginReport[] = [];
  const app = new Hono();
  addAuthPolicy(app, {
    key,
    advise: (login) => (login === "bad" ? { status: -1, msg: "no" } : { status: 0, msg: "" }),
    report: (report) => reports.push(report),
  });
  const ask = async (path: string, body: unknown, headers: Record<string, string> = {}) => {
    const text = typeof body === "string" ? body : JSON.stringify(body);
    const answer = await app.request(path, { method: "POST", body: text, headers });
    return { status: answer.status, body: await answer.json() };
  };
  return { reports, ask };
}

describe("auth policy", () => {
  for (const path of ["/?command=report", "/command/report", "/?x=1&command=report"]) {
    test(`case 51: a report is taken at ${path}`, async () => {
      const { ask, reports } = house();
      assert.equal((await ask(path, sample)).status, 200);
      assert.deepEqual(reports, [
        ...[
          {
            login: "ok@x.test",
            remote: "203.0.113.9",
            protocol: "smtp",
            success: true,
            refused: false,
            internal: false,
          },
        ],
      ]);
    });
  }

  test("case 54: a hash of the password comes with each request, and is kept by nobody", async () => {
    // Dovecot: twelve bits of SHA-256 over nonce, login, a nought and the password.
    const hash = createHash("sha256").update("n0nceok@x.test\0secret").digest();
    const bits = (hash.readUInt16BE(0) >> 4).toString(16).padStart(4, "0");
    assert.equal(bits, sample.pwhash);
    const { ask, reports } = house();
    await ask("/?command=report", sample);
    assert.equal(JSON.stringify(reports).includes(bits), false);
  });

  test("case 52: allow answers with a status and a message; unknown members do not matter", async () => {
    const { ask } = house();
    assert.deepEqual((await ask("/?command=allow", { ...sample, attrs: { a: ["b"] } })).body, { status: 0, msg: "" });
    assert.deepEqual((await ask("/?command=allow", { ...sample, login: "bad" })).body, { status: -1, msg: "no" });
  });

  const refused: readonly (readonly [name: string, path: string, body: unknown, status: number])[] = [
    ["no login", "/?command=report", { ...sample, login: undefined }, 400],
    ["no remote", "/?command=allow", { ...sample, remote: undefined }, 400],
    ["a remote that is no address", "/?command=report", { ...sample, remote: "x'); --" }, 400],
    ["no JSON", "/?command=report", "{", 400],
    ["an unknown command", "/?command=reset", sample, 404],
    ["a body of 70 kB", "/?command=report", { ...sample, pwhash: "x".repeat(70_000) }, 413],
  ];
  for (const [name, path, body, status] of refused) {
    test(`case 51, 55: ${name} is answered with ${status} and changes nothing`, async () => {
      const { ask, reports } = house();
      assert.equal((await ask(path, body)).status, status);
      assert.deepEqual(reports, []);
    });
  }

  test("case 55: a login on this machine is nobody's", async () => {
    const { ask, reports } = house();
    assert.equal((await ask("/?command=report", { ...sample, remote: "" })).status, 200);
    assert.deepEqual((await ask("/?command=allow", { ...sample, remote: "" })).body, { status: 0, msg: "" });
    assert.deepEqual(reports, []);
  });

  test("with a key only those who have it are heard, by header or by Basic", async () => {
    const { ask, reports } = house("k");
    const basic = (text: string) => ({ authorization: `Basic ${Buffer.from(text).toString("base64")}` });
    assert.equal((await ask("/?command=report", sample)).status, 401);
    assert.equal((await ask("/?command=report", sample, { "x-api-key": "other" })).status, 401);
    assert.equal((await ask("/?command=report", sample, basic("wforce:other"))).status, 401);
    assert.equal(reports.length, 0);
    assert.equal((await ask("/?command=report", sample, { "x-api-key": "k" })).status, 200);
    assert.equal((await ask("/?command=report", sample, basic("wforce:k"))).status, 200);
    assert.equal(reports.length, 2);
  });
});
