// The queue before a disk that we hold in our hands: slow, failing, and well again.

import assert from "node:assert/strict";
import { test } from "node:test";
import { silentLog } from "../../core/log.ts";
import { CellMemory } from "./cell-memory.ts";
import { parseState } from "./cell-text.ts";
import { CommitQueue } from "./commit-queue.ts";
import { parseJournal } from "./journal.ts";
import type { CommitCall } from "./sqlite-calls.ts";

/** A disk that answers when the test says so. */
class HeldDisk {
  readonly calls: CommitCall[] = [];
  #answers: { resolve: () => void; reject: (error: Error) => void }[] = [];
  probes = 0;
  full = false;

  commit(call: CommitCall): Promise<void> {
    this.calls.push(call);
    return new Promise((resolve, reject) => this.#answers.push({ resolve, reject }));
  }

  async probe(): Promise<void> {
    this.probes++;
    if (this.full) throw new Error("disk is full");
  }

  /** The oldest commit; a writer answers in order. */
  answer(): void {
    const next = this.#answers.shift();
    if (this.full) next?.reject(new Error("disk is full"));
    else next?.resolve();
  }

  answerAll(): void {
    while (this.#answers.length > 0) this.answer();
  }

  /** What the last commit wrote, as key → numbers. */
  get written(): Record<string, readonly number[]> {
    const bodies = (this.calls.at(-1)?.bodies ?? []).map(parseJournal);
    return Object.fromEntries(bodies.flatMap((body) => body.cells.map(([key, , state]) => [key, parseState(state)])));
  }
}

function build() {
  const disk = new HeldDisk();
  const memory = new CellMemory(100);
  const queue = new CommitQueue({ target: disk, log: silentLog, now: () => 1, messageIds: [] });
  const put = (key: string, value: number) => {
    queue.addCell(memory.write(key, [value], 9_999));
    return queue.wait(value, true);
  };
  return { disk, queue, put };
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));
const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

test("all of one turn is one commit, and each cell is in it once; what comes while two are under way is the next", async () => {
  const { disk, put } = build();
  const first = [put("a", 1), put("b", 1), put("a", 2)];
  await turn();
  assert.deepEqual(disk.written, { a: [2], b: [1] });
  const behind = put("b", 2);
  await turn();
  assert.deepEqual(disk.written, { b: [2] });
  const second = [put("a", 3), put("c", 1)];
  await turn();
  second.push(put("a", 4));
  await turn();
  assert.equal(disk.calls.length, 2);
  disk.answer();
  assert.deepEqual(await Promise.all(first), [
    { result: 1, recorded: true },
    { result: 1, recorded: true },
    { result: 2, recorded: true },
  ]);
  await turn();
  assert.deepEqual(disk.written, { a: [4], c: [1] });
  disk.answerAll();
  assert.equal(
    (await Promise.all([behind, ...second])).every((one) => one.recorded),
    true,
  );
});

test("a job that changed nothing waits for what is under way, and for nothing else", async () => {
  const { disk, queue, put } = build();
  assert.deepEqual(await queue.wait("free", false), { result: "free", recorded: true });
  const charged = put("a", 1);
  await turn();
  let answered = false;
  const looked = queue.wait("look", false).then(() => {
    answered = true;
  });
  await turn();
  assert.equal(answered, false);
  disk.answer();
  await Promise.all([charged, looked]);
});

test("after 200 ms answers leave unrecorded, later ones at once, until the disk has answered", async () => {
  const { disk, queue, put } = build();
  const from = performance.now();
  const charged = [put("a", 1)];
  await turn();
  charged.push(put("b", 1));
  await turn();
  charged.push(put("d", 1));
  assert.deepEqual(
    (await Promise.all(charged)).map((one) => one.recorded),
    [false, false, false],
  );
  const waited = performance.now() - from;
  assert.ok(waited >= 190 && waited < 400, `${waited} ms`);
  assert.equal(queue.writable, false);
  assert.equal((await put("c", 1)).recorded, false);
  assert.equal(queue.unrecorded, 4);
  disk.answer();
  await turn();
  await turn();
  assert.equal(queue.writable, true);
  assert.deepEqual(disk.written, { d: [1], c: [1] });
  disk.answerAll();
  await queue.flush();
  assert.equal(queue.pending, 0);
});

test("a failed commit is written later with the newest states, and flush tells the error", async () => {
  const { disk, queue, put } = build();
  disk.full = true;
  const charged = [put("a", 1), put("b", 1)];
  await turn();
  charged.push(put("a", 2));
  await turn();
  charged.push(put("a", 2));
  disk.answerAll();
  assert.deepEqual(
    (await Promise.all(charged)).map((one) => one.recorded),
    [false, false, false, false],
  );
  assert.equal(queue.lastError, "disk is full");
  assert.equal((await put("a", 3)).recorded, false);
  assert.equal(queue.pending, 2);
  await assert.rejects(queue.flush(), /disk is full/);
  const probes = disk.probes;
  await pause(400);
  assert.ok(disk.probes > probes && disk.probes < 10, `${disk.probes} probes`);
  disk.full = false;
  const flushed = queue.flush();
  await turn();
  assert.deepEqual(disk.written, { a: [3], b: [1] });
  disk.answerAll();
  await flushed;
  assert.equal(queue.writable, true);
  queue.close();
});

test("a message that was never on disk leaves nothing to write when it is dropped", async () => {
  const { disk, queue } = build();
  const message = (id: string) => ({ id, openedAt: 1, body: "" });
  queue.addMessage(message("short"));
  queue.addMessage(message("long"));
  queue.addMessage("short");
  await turn();
  assert.deepEqual(parseJournal(disk.calls[0]?.bodies[0] ?? "").messages, [["long", 1, ""]]);
  queue.addMessage("long");
  disk.answer();
  await turn();
  await turn();
  assert.deepEqual(parseJournal(disk.calls[1]?.bodies[0] ?? "").messages, [["long"]]);
  disk.answer();
});

test("of messages in two refused commits the later word stands", async () => {
  const { disk, queue } = build();
  const message = (id: string, body: string) => ({ id, openedAt: 1, body });
  disk.full = true;
  queue.addMessage(message("dropped", ""));
  queue.addMessage(message("grown", "one"));
  await turn();
  queue.addMessage("dropped");
  queue.addMessage(message("grown", "two"));
  await turn();
  assert.equal(disk.calls.length, 2);
  disk.answerAll();
  await turn();
  disk.full = false;
  const flushed = queue.flush();
  await turn();
  const written = parseJournal(disk.calls.at(-1)?.bodies[0] ?? "").messages;
  assert.deepEqual(
    new Map(written.map((row) => [row[0], row[2]])),
    new Map([
      ["dropped", undefined],
      ["grown", "two"],
    ]),
  );
  disk.answerAll();
  await flushed;
});

test("a failing store keeps at most 10 000 decisions, the newest", async () => {
  const { disk, queue } = build();
  const decision = (id: string) => ({
    id,
    at: 1,
    lastAt: 1,
    count: 1,
    account: "",
    sender: "",
    recipient: "",
    client: "",
    queueId: "",
    instance: "",
    rule: "",
    key: "",
    verdict: "",
    text: "",
    trail: "",
  });
  for (let i = 0; i < 10_500; i++) queue.addDecision(decision(`d${i}`));
  await turn();
  const ids = disk.calls[0]?.decisions.map((row) => row.id) ?? [];
  assert.deepEqual([ids.length, ids[0], ids.at(-1)], [10_000, "d500", "d10499"]);
  queue.close();
});
