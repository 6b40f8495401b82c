import assert from "node:assert/strict";
import { test } from "node:test";
import { printIp } from "../core/ip.ts";
import { Problem } from "../core/problem.ts";
import { actionText, parseRequest, parseRequestText, printAnswer } from "./protocol.ts";
import type { Request } from "./request.ts";
import type { Verdict } from "./verdict.ts";

function parse(lines: readonly string[]): Request {
  const text = `${["request=smtpd_access_policy", "protocol_state=RCPT", ...lines].join("\n")}\n`;
  const request = parseRequest(text, /^[\0-\x7f]*$/.test(text), undefined);
  if (typeof request === "string") throw new Error(request);
  return request;
}

test("every attribute that a check may use reaches its field", () => {
  const raw = [
    "request=smtpd_access_policy\nprotocol_state=END-OF-MESSAGE\nprotocol_name=ESMTP\nhelo_name=Mail.Example",
    "queue_id=4dKl2v3\nsender=Joe@Example.COM\nrecipient=Ann@Example.ORG\nrecipient_count=3\nclient_address=192.0.2.10",
    "client_name=MX.example.net\nreverse_client_name=R.example.net\ninstance=1a.2b.3c.0\nsasl_method=PLAIN",
    "sasl_username= Joe@Example.com \nsasl_sender=x\nsize=12345\nencryption_protocol=TLSv1.3\nclient_port=4711",
    "policy_context=submission\nserver_address=198.51.100.1\nserver_port=587\nstress=\n",
  ].join("\n");
  const peer = { family: 4, words: [0x7f000001, 0, 0, 0] } as const;
  assert.deepEqual(parseRequest(raw, true, peer), {
    state: "END-OF-MESSAGE",
    instance: "1a.2b.3c.0",
    queueId: "4dKl2v3",
    sender: "joe@example.com",
    recipient: "ann@example.org",
    recipientCount: 3,
    sizeBytes: 12_345,
    login: " joe@example.com ",
    client: { family: 4, words: [0xc000020a, 0, 0, 0] },
    clientName: "mx.example.net",
    reverseName: "r.example.net",
    helo: "Mail.Example",
    serverPort: 587,
    context: "submission",
    tls: "TLSv1.3",
    peer,
    raw,
  });
});

test("absent, empty and unknown all mean not known", () => {
  for (const lines of [
    [],
    ["client_address=", "client_name=", "reverse_client_name=", "size=", "recipient_count=", "server_port="],
    ["client_address=unknown", "client_name=unknown", "reverse_client_name=Unknown", "size=-1", "server_port=unknown"],
  ]) {
    const { client, clientName, reverseName, sizeBytes, recipientCount, serverPort, sender } = parse(lines);
    assert.deepEqual(
      { client, clientName, reverseName, sizeBytes, recipientCount, serverPort, sender },
      {
        client: undefined,
        clientName: "",
        reverseName: "",
        sizeBytes: 0,
        recipientCount: 0,
        serverPort: 0,
        sender: "",
      },
    );
  }
});

test("addresses are plain, mapped or not known", () => {
  for (const [text, expected] of [
    ["192.0.2.1", "192.0.2.1"],
    ["::ffff:192.0.2.1", "192.0.2.1"],
    ["2001:DB8::1", "2001:db8::1"],
    ["fe80::1%eth0", undefined],
    ["010.0.0.1", undefined],
    ["1.2.3", undefined],
  ] as const) {
    const { client } = parse([`client_address=${text}`]);
    assert.equal(client && printIp(client), expected, text);
  }
});

test("lines are forgiving where Postfix's readers are (case 96)", () => {
  for (const [lines, field, expected] of [
    [["sender=a@x", "sender=b@x"], "sender", "b@x"],
    [["sender=a=b=c@x"], "sender", "a=b=c@x"],
    [["sender=a@x\r", "helo_name=h\r"], "sender", "a@x"],
    [["helo_name=h\r\r"], "helo", "h\r"],
    [["sender", "=x", "sender2=no", "xsender=no", "Sender=no"], "sender", ""],
    [["__proto__=x", "constructor=x", "toString=x", "hasOwnProperty=x"], "helo", ""],
    [["helo_name=\xe4\xff"], "helo", "\xe4\xff"],
    [["helo_name=\xc3\xa4"], "helo", "ä"],
    [["sender=\xc3\x84@x"], "sender", "ä@x"],
    [["size=9007199254740993"], "sizeBytes", Number.MAX_SAFE_INTEGER],
    [["size=999999999999999999999999"], "sizeBytes", Number.MAX_SAFE_INTEGER],
    [["size=1e9"], "sizeBytes", 0],
  ] as const) {
    assert.equal(parse(lines)[field], expected, JSON.stringify(lines));
  }
  assert.equal(Reflect.get({}, "x"), undefined);
});

test("what is no policy request, or has no state, is a fault", () => {
  for (const [text, fault] of [
    ["", "not-policy"],
    ["protocol_state=RCPT\n", "not-policy"],
    ["request=junk\nprotocol_state=RCPT\n", "not-policy"],
    ["request=smtpd_access_policy \nprotocol_state=RCPT\n", "not-policy"],
    ["GET / HTTP/1.1\r\nhost: x\r\n", "not-policy"],
    ["request=smtpd_access_policy\n", "no-state"],
    ["request=smtpd_access_policy\nprotocol_state=\n", "no-state"],
  ] as const) {
    assert.equal(parseRequest(text, true, undefined), fault, JSON.stringify(text));
  }
});

const long = "x".repeat(1_000);
const answers: readonly (readonly [Verdict, string, string?])[] = [
  [{ kind: "dunno" }, "DUNNO"],
  [{ kind: "ok", text: "fine" }, "DUNNO", "OK fine"],
  [{ kind: "ok", text: "" }, "DUNNO", "OK"],
  [{ kind: "reject", text: "hit" }, "REJECT hit"],
  [{ kind: "reject", text: "" }, "REJECT"],
  [{ kind: "reject", text: " \n\t" }, "REJECT"],
  [{ kind: "reject", text: "5.7.1 no" }, "REJECT 5.7.1 no"],
  [{ kind: "reject", text: "521 5.7.1 go away" }, "521 5.7.1 go away"],
  [{ kind: "reject", text: "450 later" }, "REJECT 450 later"],
  // Digits alone are OK to Postfix.
  [{ kind: "reject", text: "554" }, "REJECT 554"],
  [{ kind: "reject", text: "554 " }, "REJECT 554"],
  [{ kind: "reject", text: "554 \n" }, "REJECT 554"],
  [{ kind: "reject", text: "5544 x" }, "REJECT 5544 x"],
  [{ kind: "defer", text: "" }, "DEFER"],
  [{ kind: "defer", text: "slow down" }, "DEFER slow down"],
  [{ kind: "defer", text: "421 4.7.0 slow down" }, "421 4.7.0 slow down"],
  [{ kind: "defer", text: "450" }, "DEFER 450"],
  [{ kind: "defer", text: "550 x" }, "DEFER 550 x"],
  [{ kind: "hold", text: "" }, "HOLD"],
  [{ kind: "hold", text: "suspicious" }, "HOLD suspicious"],
  [{ kind: "discard", text: "" }, "DISCARD"],
  [{ kind: "discard", text: "gone  " }, "DISCARD gone"],
  [{ kind: "filter", text: "smtp:[127.0.0.1]:10026" }, "FILTER smtp:[127.0.0.1]:10026"],
  [{ kind: "filter", text: "" }, "DUNNO"],
  [{ kind: "redirect", text: "abuse@example.org" }, "REDIRECT abuse@example.org"],
  [{ kind: "redirect", text: "\n" }, "DUNNO"],
  [{ kind: "prepend", text: "X-Spam: yes" }, "PREPEND X-Spam: yes"],
  [{ kind: "prepend", text: "  " }, "DUNNO"],
  // Case 104 and the worst that a text can try.
  [{ kind: "reject", text: "a\nb\naction=OK" }, "REJECT a b action=OK"],
  [{ kind: "reject", text: "a\r\n\r\nb" }, "REJECT a    b"],
  [{ kind: "reject", text: "\x1b[2Jх\u202e😀\x7f\xe4!" }, "REJECT  [2J??? ?!"],
  [{ kind: "reject", text: long }, `REJECT ${"x".repeat(400 - 14)}`],
  [{ kind: "reject", text: `550 ${long}` }, `550 ${"x".repeat(400 - 11)}`],
  [{ kind: "reject", text: `${"x".repeat(380)}${" ".repeat(50)}y` }, `REJECT ${"x".repeat(380)}`],
];

test("a verdict becomes one printable line that Postfix understands", () => {
  for (const [verdict, action, whenOk] of answers) {
    assert.equal(actionText(verdict, { answerOk: false }), action);
    assert.equal(actionText(verdict, { answerOk: true }), whenOk ?? action);
    const bytes = printAnswer(verdict, { answerOk: false });
    assert.equal(bytes, `action=${action}\n\n`);
    assert.match(bytes, /^action=[!-~]([ -~]*[!-~])?\n\n$/);
    assert.ok(bytes.length <= 402, `${bytes.length} bytes`);
  }
});

test("a person's request needs only what differs", () => {
  const request = parseRequestText("sender=Ä@example.com\r\nclient_address=192.0.2.1\r\n\r\n");
  assert.equal(request.state, "RCPT");
  assert.equal(request.sender, "ä@example.com");
  assert.equal(request.client && printIp(request.client), "192.0.2.1");
  assert.equal(parseRequestText("request=smtpd_access_policy\nprotocol_state=DATA\n").state, "DATA");
  assert.equal(parseRequestText("").state, "RCPT");
  assert.equal(parseRequestText("protocol_state=").state, "RCPT");
});

test("a mistake in a person's request names its line", () => {
  for (const [text, where] of [
    ["sender=a@x\nrecipient b@x", "line 2"],
    ["request=other", "line 1"],
    ["sender=a\n\nsender=b", "line 2"],
    ["sender=a\nhelo_name=\0", "line 2"],
    ["=x", "line 1"],
    [`sender=${"x".repeat(70_000)}`, undefined],
    ["a=b\n".repeat(1_001), undefined],
  ] as const) {
    assert.throws(
      () => parseRequestText(text),
      (error) => error instanceof Problem && error.code === "policy/bad-request" && error.where === where,
      text.slice(0, 40),
    );
  }
});
