// One `nft -i` that is kept open: a new process for each ban would cost more than everything else on the way from the line to the kernel.

import type { ChildProcessWithoutNullStreams } from "node:child_process";
import type { Tools } from "./tools.ts";

/** A batch that is not done by then never will be; the process is replaced. */
const answerMs = 5_000;

const stderrMax = 1024 * 1024;

/** Batches one after the other, each a transaction of the kernel. */
export class NftSession implements Disposable {
  readonly #tools: Tools;
  #child: ChildProcessWithoutNullStreams | undefined;
  #marks = 0;
  #closed = false;
  #work: Promise<unknown> = Promise.resolve();

  constructor(tools: Tools) {
    this.#tools = tools;
  }

  /** Rejects with what nft said; then nothing of the batch was done. Commands must hold no line end. */
  run(commands: readonly string[]): Promise<void> {
    const done = this.#work.then(() => this.#run(commands.join("; ")));
    this.#work = done.catch(() => undefined);
    return done;
  }

  /** For good: what was still waiting must not start another process. */
  [Symbol.dispose](): void {
    this.#closed = true;
    this.#drop();
  }

  #drop(): void {
    this.#child?.stdin.end();
    this.#child?.kill();
    this.#child = undefined;
  }

  async #run(line: string): Promise<void> {
    if (this.#closed) throw new Error("the firewall is closed");
    this.#child ??= this.#start();
    const child = this.#child;
    // nft says nothing when all is well. What it says to a word that it cannot know comes behind what it says to the batch.
    const mark = `postvarta_mark_${++this.#marks}`;
    const said = await new Promise<string>((resolve, reject) => {
      let heard = "";
      const end = (error: Error | undefined) => {
        clearTimeout(timer);
        child.stderr.off("data", hear);
        child.off("close", closed);
        child.off("error", closed);
        if (error === undefined) return resolve(heard);
        this.#drop();
        reject(error);
      };
      const hear = (piece: Buffer) => {
        heard += piece.toString();
        if (heard.length > stderrMax) end(new Error("nft says too much"));
        else if (heard.includes(`${mark}\n`)) end(undefined);
      };
      const closed = () => end(new Error(`nft ended: ${heard.slice(0, 200)}`));
      const timer = setTimeout(() => end(new Error(`nft did not answer within ${answerMs / 1_000} s`)), answerMs);
      child.stderr.on("data", hear);
      child.on("close", closed);
      child.on("error", closed);
      child.stdin.write(`${line}\n${mark}\n`);
    });
    // The first error is the batch's own, unless it is the mark's.
    const first = /^Error: ([^\n]*)\n([^\n]*)/m.exec(said);
    if (first !== null && !first[2]?.startsWith(mark))
      throw new Error(`nft failed: ${first[1]}: ${first[2]?.slice(0, 200)}`);
  }

  #start(): ChildProcessWithoutNullStreams {
    const child = this.#tools.start("nft", ["-i"]);
    // It prints what it was asked to list, which is nothing.
    child.stdout.resume();
    child.stdin.on("error", () => {});
    child.on("error", () => {});
    child.on("close", () => {
      if (this.#child === child) this.#child = undefined;
    });
    return child;
  }
}
