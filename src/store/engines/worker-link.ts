// The engine's end of a worker: calls with answers, and the notes it sends unasked.

import { Worker } from "node:worker_threads";
import { Problem } from "../../core/problem.ts";
import type { Failure, ReplyMessage, StoreWorkerData, WriterNote } from "./sqlite-calls.ts";

/** Both threads make short-lived rows and little else; V8's own choice would keep tens of megabytes of them. */
const maxYoungGenerationSizeMb = 4;

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** `Calls` maps a call's name to [argument, answer]. A worker that ends fails its open calls and all later ones. */
export class WorkerLink<Calls extends { [K in keyof Calls]: [unknown, unknown] }> {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  #lastId = 0;
  #ended: Error | undefined;

  constructor(entry: URL, data: StoreWorkerData, onNote: (note: WriterNote) => void) {
    // Flags of the process (-e, --input-type, --watch) are not for a thread.
    this.#worker = new Worker(entry, {
      workerData: data,
      name: data.role,
      execArgv: [],
      resourceLimits: { maxYoungGenerationSizeMb },
    });
    this.#worker.on("message", (message: ReplyMessage) => {
      if ("note" in message) onNote(message.note);
      else if ("committed" in message) for (const id of message.committed) this.#settle({ id, value: undefined });
      else this.#settle(message);
    });
    this.#worker.on("error", (error) => this.#end(error instanceof Error ? error : new Error(String(error)), onNote));
    this.#worker.on("exit", () => this.#end(new Error(`The ${data.role} thread has ended`), onNote));
  }

  call<K extends keyof Calls & string>(kind: K, argument: Calls[K][0]): Promise<Calls[K][1]> {
    return new Promise<Calls[K][1]>((resolve, reject) => {
      if (this.#ended !== undefined) return reject(this.#ended);
      const id = ++this.#lastId;
      this.#waiting.set(id, { resolve: (value) => resolve(value as Calls[K][1]), reject });
      this.#worker.postMessage({ id, kind, argument });
    });
  }

  get ended(): boolean {
    return this.#ended !== undefined;
  }

  async terminate(): Promise<void> {
    await this.#worker.terminate();
  }

  #settle(reply: Extract<ReplyMessage, { readonly id: number }>): void {
    const waiting = this.#waiting.get(reply.id);
    this.#waiting.delete(reply.id);
    if ("failure" in reply) waiting?.reject(parseFailure(reply.failure));
    else waiting?.resolve(reply.value);
  }

  #end(error: Error, onNote: (note: WriterNote) => void): void {
    if (this.#ended !== undefined) return;
    this.#ended = error;
    for (const waiting of this.#waiting.values()) waiting.reject(error);
    this.#waiting.clear();
    // Whoever waits for the start must hear of its end too.
    onNote({ kind: "unusable", failure: { message: error.message } });
  }
}

/** The error that a worker threw, as the same kind of error here. */
export function parseFailure(failure: Failure): Error {
  return failure.problem === undefined ? new Error(failure.message) : new Problem(failure.message, failure.problem);
}

/** An error made ready to cross. */
export function renderFailure(error: unknown): Failure {
  if (error instanceof Problem)
    return { message: error.message, problem: { code: error.code, where: error.where, hint: error.hint } };
  return { message: error instanceof Error ? error.message : String(error) };
}
