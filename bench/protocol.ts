// Microseconds to read one question and to print one answer: `node bench/protocol.ts`. Aim: at most 2 µs a question.

import { printAnswer } from "../src/policy/protocol.ts";
import { RequestStream } from "../src/policy/request-stream.ts";

/** A question as Postfix 3.12 sends it over TLS, thirty attributes. */
const question = Buffer.from(
  `request=smtpd_access_policy
protocol_state=RCPT
protocol_name=ESMTP
client_address=192.0.2.10
client_name=mx.example.net
client_port=41882
reverse_client_name=mx.example.net
server_address=198.51.100.25
server_port=587
helo_name=mx.example.net
sender=Someone.Quite.Long@example.com
recipient=b@example.org
recipient_count=0
queue_id=4dKl2v3QZxz9sWq
instance=1a2b.6723f1a0.c3b21.0
size=48213
etrn_domain=
stress=
sasl_method=PLAIN
sasl_username=someone.quite.long@example.com
sasl_sender=
ccert_subject=
ccert_issuer=
ccert_fingerprint=
ccert_pubkey_fingerprint=
encryption_protocol=TLSv1.3
encryption_cipher=TLS_AES_256_GCM_SHA384
encryption_keysize=256
policy_context=submission
compatibility_level=3.12

`,
  "latin1",
);

measure("one question a chunk", question, 1);
measure("twenty questions a chunk", Buffer.concat(Array.from({ length: 20 }, () => question)), 20);
measure(
  "a question with 8-bit bytes",
  Buffer.from(question.toString("latin1").replace("b@example.org", "\xd0\xb1@example.org"), "latin1"),
  1,
);
measureAnswers();

function measure(title: string, chunk: Buffer, questions: number): void {
  const stream = new RequestStream(undefined);
  let seen = 0;
  const run = (rounds: number) => {
    for (let i = 0; i < rounds; i++) {
      stream.push(chunk);
      for (let next = stream.next(); next !== undefined; next = stream.next()) if (typeof next !== "string") seen++;
    }
  };
  run(20_000);
  report(title, 200_000 * questions, () => run(200_000));
  if (seen !== 220_000 * questions + 4 * 200_000 * questions) throw new Error(`${title}: ${seen} questions read`);
}

function measureAnswers(): void {
  let bytes = 0;
  report("an answer with a text", 1_000_000, () => {
    for (let i = 0; i < 1_000_000; i++)
      bytes += printAnswer({ kind: "reject", text: "LIMIT AT QUOTAUSE" }, { answerOk: false }).length;
  });
  if (bytes === 0) throw new Error("no answer printed");
}

/** The median of five runs. */
function report(title: string, count: number, run: () => void): void {
  const times = Array.from({ length: 5 }, () => {
    const start = performance.now();
    run();
    return performance.now() - start;
  }).sort((a, b) => a - b);
  process.stdout.write(`${title}: ${(((times[2] ?? 0) * 1_000) / count).toFixed(2)} µs\n`);
}
