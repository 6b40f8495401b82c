// Runs commands of actions: `sh -c` with the text that the files say and the values in its environment, in a process group of its own
// that goes as a whole when its time is over. One action of a jail does one thing after the other.

import { spawn } from "node:child_process";
import { hostname } from "node:os";
import { type ActionCall, type ActionOutcome, actionValue } from "../core/action.ts";
import type { ActionBook } from "./action-book.ts";
import type { JailAction } from "./fail2ban/action-reader.ts";
import { type ShellCommand, shellEnvironment } from "./fail2ban/shell-command.ts";
import { programPath } from "./program-path.ts";

/** Commands at a time, all jails together. */
const runningMax = 4;

/** Calls that wait; whoever asks tries again later. */
const waitingMax = 20_000;

/** A configuration may say more; nobody waits longer for an answer. */
const timeoutMsMax = 60_000;

/** Between the polite signal and the other one. */
const graceMs = 500;

const saidMax = 500;

const fine: ActionOutcome = { ok: true, hung: false, said: "" };
const stopped: ActionOutcome = { ok: false, hung: true, said: "nothing is begun any more" };

export class ShellActions {
  #book: ActionBook = new Map();
  #isStopped = false;
  /** The last thing that each action was told. */
  readonly #last = new Map<string, Promise<unknown>>();
  #running = 0;
  #waiting = 0;
  readonly #free: (() => void)[] = [];

  /** What there is to run from here on. */
  use(book: ActionBook): void {
    this.#book = book;
  }

  /** What runs goes on; what waits is not begun. */
  stop(): void {
    this.#isStopped = true;
  }

  has(call: ActionCall): boolean {
    return this.#find(call) !== undefined;
  }

  readonly run = async (call: ActionCall): Promise<ActionOutcome> => {
    const action = this.#find(call);
    if (action === undefined) throw new Error(`the jail ${call.jail} has no action ${call.action}`);
    const command = action.commands[call.family][call.operation];
    if (command === undefined) return fine;
    if (this.#waiting >= waitingMax) throw new Error("too many commands wait");
    this.#waiting++;
    const key = `${call.jail}\n${call.action}`;
    const before = this.#last.get(key);
    const work = (async () => {
      await before;
      return this.#take(() => this.#spawn(action, command, call));
    })().finally(() => {
      this.#waiting--;
      if (this.#last.get(key) === settled) this.#last.delete(key);
    });
    const settled = work.catch(() => undefined);
    this.#last.set(key, settled);
    return work;
  };

  #find({ jail, action }: ActionCall): JailAction | undefined {
    return this.#book.get(jail)?.find(({ name }) => name === action);
  }

  async #take(work: () => Promise<ActionOutcome>): Promise<ActionOutcome> {
    if (this.#running >= runningMax) await new Promise<void>((resolve) => this.#free.push(resolve));
    else this.#running++;
    try {
      return this.#isStopped ? stopped : await work();
    } finally {
      const next = this.#free.shift();
      if (next === undefined) this.#running--;
      else next();
    }
  }

  #spawn(action: JailAction, command: ShellCommand, call: ActionCall): Promise<ActionOutcome> {
    const values = shellEnvironment(command, (tag) => hostValue(tag, call) ?? actionValue(call, tag));
    const timeoutMs = Math.min(action.timeoutSeconds * 1_000, timeoutMsMax);
    const { promise, resolve } = Promise.withResolvers<ActionOutcome>();
    const child = spawn("/bin/sh", ["-c", command.text], {
      env: { ...values, PATH: programPath(), LC_ALL: "C" },
      ...{ cwd: "/", detached: true, stdio: ["ignore", "ignore", "pipe"] },
    });
    let said = "";
    let hung = false;
    let grace: NodeJS.Timeout | undefined;
    const kill = (signal: NodeJS.Signals) => child.pid !== undefined && killGroup(child.pid, signal);
    const end = (ok: boolean) => {
      clearTimeout(timer);
      clearTimeout(grace);
      // What it left behind in its group goes too, and what holds its output open is not waited for.
      if (hung) kill("SIGKILL");
      child.stderr?.destroy();
      resolve({ ok: ok && !hung, hung, said: ok && !hung ? "" : said.trim() || (hung ? "it took too long" : "") });
    };
    const timer = setTimeout(() => {
      hung = true;
      kill("SIGTERM");
      grace = setTimeout(() => kill("SIGKILL"), graceMs);
    }, timeoutMs);
    child.stderr?.on("data", (piece: Buffer) => {
      said = (said + piece.toString()).slice(-saidMax);
    });
    child.on("error", (error) => {
      said = error.message;
      end(false);
    });
    child.on("exit", (status) => end(status === 0));
    return promise;
  }
}

function killGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // It has ended.
  }
}

function hostValue(tag: string, { jail }: ActionCall): string | undefined {
  if (tag === "jail.name") return jail;
  if (tag === "fq-hostname") return hostname();
  return tag === "sh-hostname" ? hostname().replace(/\..*$/, "") : undefined;
}
