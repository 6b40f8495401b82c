import assert from "node:assert/strict";
import { test } from "node:test";
import { parseTrack } from "./rules-track.ts";

for (const [text, track] of [
  ["Sender:user@domain", { kind: "sender", part: "user@domain", text: "Sender:user@domain" }],
  ["sender:USER@DOMAIN", { kind: "sender", part: "user@domain", text: "Sender:user@domain" }],
  ["Sender:@domain", { kind: "sender", part: "@domain", text: "Sender:@domain" }],
  ["Sender:user@", { kind: "sender", part: "user@", text: "Sender:user@" }],
  ["Recipient:user@domain", { kind: "recipient", part: "user@domain", text: "Recipient:user@domain" }],
  ["RECIPIENT:@domain", { kind: "recipient", part: "@domain", text: "Recipient:@domain" }],
  ["SASLUsername", { kind: "sasl-username", text: "SASLUsername" }],
  ["saslusername", { kind: "sasl-username", text: "SASLUsername" }],
  ["Policy", { kind: "policy", text: "Policy" }],
  ["SenderIP:/24", { kind: "sender-ip", v4: 24, v6: 64, text: "SenderIP:/24" }],
  ["senderip:/32,/128", { kind: "sender-ip", v4: 32, v6: 128, text: "SenderIP:/32,/128" }],
  ["SenderIP:/0,/0", { kind: "sender-ip", v4: 0, v6: 0, text: "SenderIP:/0,/0" }],
] as const) {
  test(`the track ${text} is ${track.text}`, () => assert.deepEqual(parseTrack(text), track));
}

for (const text of [
  "",
  "Sender",
  "Sender:",
  "Sender:user",
  "Sender:a@b.example",
  "Recipient",
  "SenderIP",
  "SenderIP:",
  "SenderIP:24",
  "SenderIP:/33",
  "SenderIP:/24,/129",
  "SenderIP:/24, /64",
  "SenderIP:/24,",
  "SASLUsername:x",
  "Policy:x",
  "Bogus",
  " Policy",
  "__proto__",
]) {
  test(`the track ${JSON.stringify(text)} is refused`, () => assert.equal(parseTrack(text), undefined));
}
