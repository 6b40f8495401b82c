import assert from "node:assert/strict";
import { test } from "node:test";
import { parseListen } from "../../config/listen.ts";
import { endpointsOf, isOurs, type OurSide, parsePolicyCall, printPolicyCall, reaches } from "./endpoint.ts";

const queue = "/var/spool/postfix";

function listening(text: string): OurSide {
  const address = parseListen(text);
  assert.ok(address !== undefined);
  return { listen: [address], onError: "pass" };
}

const calls: readonly (readonly [listen: string, call: string, ours: boolean])[] = [
  ["127.0.0.1:10031", "inet:127.0.0.1:10031", true],
  ["127.0.0.1:10031", "inet:localhost:10031", true],
  ["127.0.0.1:10031", "inet:10031", true],
  ["127.0.0.1:10031", "inet:127.0.0.1:10032", false],
  ["127.0.0.1:10031", "inet:192.0.2.1:10031", false],
  ["[::1]:10031", "inet:[::1]:10031", true],
  ["0.0.0.0:10031", "inet:192.0.2.1:10031", true],
  ["127.0.0.1:10031", "unix:private/policy", false],
  ["unix:/run/p.sock", "unix:/run/p.sock", true],
  ["unix:/run/p.sock", "local:/run/p.sock", true],
  ["unix:/run/p.sock", "unix:/run/q.sock", false],
  [`unix:${queue}/private/p`, "unix:private/p", true],
  [`unix:${queue}/run/p.sock`, "unix:/run/p.sock", true],
];
for (const [listen, call, ours] of calls) {
  test(`${call} is ${ours ? "" : "not "}ours when we listen at ${listen}`, () => {
    assert.equal(isOurs(call, listening(listen), queue), ours);
  });
}

test("a chroot makes an absolute path another one and leaves a relative path", () => {
  const outside = listening("unix:/run/p.sock");
  assert.deepEqual(
    [false, true].map((chroot) => reaches("unix:/run/p.sock", outside, queue, chroot)),
    [true, false],
  );
  const inside = listening(`unix:${queue}/private/p`);
  assert.deepEqual(
    [false, true].map((chroot) => reaches("unix:private/p", inside, queue, chroot)),
    [true, true],
  );
  assert.deepEqual(
    [false, true].map((chroot) => reaches("unix:/private/p", inside, queue, chroot)),
    [false, true],
  );
});

test("we are called at loopback where we listen everywhere, and by the relative path in the queue directory", () => {
  const written = ["127.0.0.1:10031", "0.0.0.0:10031", "[::]:10031", "unix:/run/p.sock", `unix:${queue}/private/p`];
  assert.deepEqual(
    written.flatMap((listen) => endpointsOf(listening(listen), queue)),
    ["inet:127.0.0.1:10031", "inet:127.0.0.1:10031", "inet:[::1]:10031", "unix:/run/p.sock", "unix:private/p"],
  );
});

test("a call is printed as it was parsed", () => {
  const texts = [
    "inet:127.0.0.1:10031",
    "{ inet:127.0.0.1:10031, timeout=3s, default_action=DUNNO }",
    "{ unix:private/p, { default_action = 451 4.3.0 Come back, please }, policy_context=mx }",
  ];
  assert.deepEqual(
    texts.map((text) => printPolicyCall(parsePolicyCall(text), ", ")),
    texts,
  );
  assert.equal(printPolicyCall(parsePolicyCall("{inet:1:2  timeout=3s}"), ","), "{inet:1:2,timeout=3s}");
});
