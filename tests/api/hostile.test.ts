import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { routes } from "../../src/api/app.ts";
import { apiRoot } from "../../src/api/contract.ts";
import { House, readProblem } from "./house.ts";

describe("hostile calls", () => {
  const house = new House();
  before(() => house.start());
  after(() => house[Symbol.asyncDispose]());

  const rubbish: readonly (readonly [name: string, body: string | Buffer])[] = [
    ["nothing", ""],
    ["no JSON", "{"],
    ["another kind", "[1, 2]"],
    ["null", "null"],
    ["an unknown key", '{"__proto__": {"a": 1}, "constructor": 1, "zzz": 1}'],
    [
      "wrong kinds",
      '{"text": 1, "key": [], "name": {}, "members": "x", "to": null, "until": 0, "dry_run": "yes", "by": 1}',
    ],
    ["bytes", Buffer.from([0xff, 0xfe, 0x00, 0x01])],
    ["deep nesting", "[".repeat(60_000)],
    ["too much", "x".repeat(64 * 1024 + 1)],
  ];

  for (const route of routes.filter(({ method }) => method === "POST")) {
    test(`${route.path} answers problem+json to rubbish`, async () => {
      for (const [, body] of rubbish) readProblem(await house.call("POST", apiRoot + route.path, body));
    });
  }

  test("routes that read answer problem+json to rubbish in path and query", async () => {
    for (const path of [
      "/quotas?limit=0",
      "/quotas?limit=x",
      "/quotas?cursor=%00!",
      "/quotas?zzz=1",
      "/quotas/show",
      "/groups/show?name=",
      "/status?x=1",
      "/explain/%00%1b[2J",
      `/explain/${"x".repeat(600)}`,
    ]) {
      readProblem(await house.call("GET", apiRoot + path));
    }
    readProblem(await house.call("GET", `${apiRoot}/explain/%ff%fe`));
  });

  test("what is not there is a problem too, whatever the method", async () => {
    for (const [method, path] of [
      ["GET", "/"],
      ["GET", `${apiRoot}/nothing`],
      ["DELETE", `${apiRoot}/status`],
      ["GET", `${apiRoot}/../../etc/passwd`],
    ] as const) {
      assert.equal(readProblem(await house.call(method, path)).problems[0]?.code, "api/no-route");
    }
  });

  test("the public door has the probes, and no route of the API", async () => {
    for (const path of ["/healthz", "/readyz", "/metrics"])
      assert.equal((await house.call("GET", path, undefined, true)).status, 200);
    for (const route of routes) {
      const path = apiRoot + route.path.replace(":what", "x");
      assert.equal(
        readProblem(await house.call(route.method, path, route.method === "GET" ? undefined : "{}", true)).status,
        404,
      );
    }
  });
});
