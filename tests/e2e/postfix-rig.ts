// A private, real Postfix with Dovecot's SASL on loopback, in a directory of its own under /tmp: what our tests send mail through.
// It is configured as the seed is: the policy call first in smtpd_recipient_restrictions and again at the end of data.
import { type ChildProcess, execFile, spawn } from "node:child_process";
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import net from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { dovecotConf, mainCf, masterCf, type PostfixRigOptions, userLines } from "./postfix-rig-files.ts";

export interface QueuedMail {
  readonly queue_name: string;
  readonly queue_id: string;
  readonly sender: string;
  readonly recipients: readonly { readonly address: string; readonly delay_reason?: string }[];
}

const startTimeoutMs = 10_000;
/** What does not end by itself is killed: the directory goes anyway. */
const stopTimeoutMs = 700;
const portTriesMax = 5;
const toolTimeoutMs = 20_000;
const masterProgram = "/usr/lib/postfix/sbin/master";
const run = promisify(execFile);

/** Starts the rig; users user0 … user99@example.test log in with "secret"; XCLIENT is allowed from loopback. */
export async function startPostfixRig(options: PostfixRigOptions = {}): Promise<PostfixRig> {
  const directory = mkdtempSync("/tmp/postvarta-rig-");
  for (let tries = 1; ; tries++) {
    const port = await freePort();
    makeFiles(directory, port, options);
    const rig = new PostfixRig(directory, port, options.wrap);
    try {
      await rig.start();
      return rig;
    } catch (error) {
      // Another rig may have taken the free port between our look and master's bind.
      const retry = tries < portTriesMax && rig.mailLog().some((line) => line.includes("Address already in use"));
      await rig[Symbol.asyncDispose]();
      if (!retry) throw error;
    }
  }
}

/** One running Postfix and Dovecot; disposing stops both and removes the directory. */
export class PostfixRig implements AsyncDisposable {
  readonly directory: string;
  /** The SMTP port on 127.0.0.1. */
  readonly port: number;
  readonly #wrap: readonly string[];
  #children: ChildProcess[] = [];
  #killNow = () => {
    for (const child of this.#children) signalGroup(child, "SIGKILL");
  };

  constructor(directory: string, port: number, wrap: readonly string[] = []) {
    this.directory = directory;
    this.port = port;
    this.#wrap = wrap;
  }

  /** The directory of main.cf and master.cf. */
  get configDirectory(): string {
    return `${this.directory}/etc`;
  }

  get queueDirectory(): string {
    return `${this.directory}/spool`;
  }

  get mailLogFile(): string {
    return `${this.directory}/mail.log`;
  }

  /** The lines of Postfix's log so far. */
  mailLog(): readonly string[] {
    return linesOf(this.mailLogFile);
  }

  /** The lines of Dovecot's log so far. */
  dovecotLog(): readonly string[] {
    return linesOf(`${this.directory}/dovecot.log`);
  }

  /** All delivered messages as one mbox text, with `delivery: "file"`. */
  delivered(): string {
    const file = `${this.directory}/mail/all`;
    return existsSync(file) ? readFileSync(file, "latin1") : "";
  }

  /** The first log line that matches, at or after line index `from`; rejects with the log's end after `timeoutMs`. */
  async waitForLog(pattern: RegExp, { from = 0, timeoutMs = 10_000 } = {}): Promise<string> {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      const found = this.mailLog()
        .slice(from)
        .find((line) => pattern.test(line));
      if (found !== undefined) return found;
      if (Date.now() > deadline) {
        throw new Error(`no line matches ${pattern} within ${timeoutMs} ms; the log ends:\n${this.#logEnd()}`);
      }
      await sleep(20);
    }
  }

  /** What is queued (postqueue -j). */
  async queue(): Promise<readonly QueuedMail[]> {
    const { stdout } = await this.#tool("postqueue", "-c", this.configDirectory, "-j");
    return stdout
      .split("\n")
      .filter((line) => line !== "")
      .map(parseQueued);
  }

  /** Recipients that Postfix has delivered to, once its queue is empty. */
  async deliveries(): Promise<number> {
    const deadline = Date.now() + toolTimeoutMs;
    while ((await this.queue()).length > 0 && Date.now() < deadline) await sleep(50);
    return this.mailLog().filter((line) => line.includes(" status=sent ")).length;
  }

  /** Runs `postconf -c DIR …arguments`, e.g. `["-e", "smtpd_delay_reject=no"]`; resolves with its output. */
  async postconf(words: readonly string[]): Promise<string> {
    const { stdout } = await this.#tool("postconf", "-c", this.configDirectory, ...words);
    settle(this.configDirectory);
    return stdout;
  }

  /** Sets main.cf parameters (`name=value`) and reloads. */
  async set(...assignments: readonly string[]): Promise<void> {
    await this.postconf(["-e", ...assignments]);
    await this.reload();
  }

  /** `postfix reload`; resolves when master has read its files again. */
  async reload(): Promise<void> {
    const from = this.mailLog().length;
    await this.#tool("postfix", "-c", this.configDirectory, "reload");
    await this.waitForLog(/postfix\/master\[\d+\]: reload/, { from });
  }

  /** Called by startPostfixRig. */
  async start(): Promise<void> {
    process.on("exit", this.#killNow);
    this.#children = [
      spawnDaemon([...this.#wrap, masterProgram, "-c", this.configDirectory, "-d"]),
      spawnDaemon([...this.#wrap, "/usr/sbin/dovecot", "-F", "-c", `${this.directory}/dovecot/dovecot.conf`]),
    ];
    const deadline = Date.now() + startTimeoutMs;
    while (!(existsSync(`${this.queueDirectory}/private/auth`) && (await this.#answers()))) {
      if (this.#children.some((child) => child.exitCode !== null) || Date.now() > deadline) {
        throw new Error(`the Postfix rig does not start:\n${this.#logEnd()}\n${this.dovecotLog().join("\n")}`);
      }
      await sleep(25);
    }
  }

  /** Ends Dovecot alone: Postfix then has nobody to ask about passwords. */
  async stopDovecot(): Promise<void> {
    await Promise.all(this.#children.splice(1).map(stop));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#children.map(stop));
    process.off("exit", this.#killNow);
    rmSync(this.directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
  }

  /** Postfix's tools look for the addresses of inet_interfaces where Postfix has them. */
  #tool(...words: readonly string[]): Promise<{ readonly stdout: string }> {
    const [program = "", ...rest] = [...this.#wrap, ...words];
    return run(program, rest, { timeout: toolTimeoutMs });
  }

  /** In a namespace of its own it is the log that tells: master has bound its ports then. */
  async #answers(): Promise<boolean> {
    if (this.#wrap.length === 0) return answers(this.port);
    return this.mailLog().some((line) => line.includes("daemon started"));
  }

  #logEnd(): string {
    return this.mailLog().slice(-20).join("\n");
  }
}

/** A loopback TCP port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = net.createServer();
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no TCP port");
  return address.port;
}

function makeFiles(directory: string, port: number, options: PostfixRigOptions): void {
  const postfix = idOf("/etc/passwd", "postfix");
  const postdrop = idOf("/etc/group", "postdrop");
  const nobody = idOf("/etc/passwd", "nobody");
  const owned = (path: string, mode: number, uid: number, gid: number) => {
    mkdirSync(`${directory}/${path}`, { recursive: true });
    chmodSync(`${directory}/${path}`, mode);
    chownSync(`${directory}/${path}`, uid, gid);
  };
  // Modes and owners as postfix-files(5) sets them; making them here saves 3 s of `postfix set-permissions`.
  owned(".", 0o755, 0, 0);
  for (const path of ["etc", "spool", "spool/pid", "dovecot", "run"]) owned(path, 0o755, 0, 0);
  for (const queue of "active bounce corrupt defer deferred flush hold incoming private saved trace".split(" ")) {
    owned(`spool/${queue}`, 0o700, postfix, 0);
  }
  owned("spool/maildrop", 0o730, postfix, postdrop);
  owned("spool/public", 0o710, postfix, postdrop);
  owned("data", 0o700, postfix, 0);
  owned("mail", 0o700, nobody, nobody);
  writeFileSync(`${directory}/etc/main.cf`, mainCf(directory, nobody, options));
  writeFileSync(`${directory}/etc/master.cf`, masterCf(port, options));
  settle(`${directory}/etc`);
  writeFileSync(`${directory}/dovecot/dovecot.conf`, dovecotConf(directory, nobody, port, options));
  writeFileSync(`${directory}/dovecot/users`, userLines(options));
}

/** Postfix waits until a configuration file is two seconds old, in case somebody is still writing it. */
export function settle(configDirectory: string): void {
  const before = new Date(Date.now() - 60_000);
  for (const file of ["main.cf", "master.cf"]) utimesSync(`${configDirectory}/${file}`, before, before);
}

function idOf(file: string, name: string): number {
  const line = linesOf(file).find((entry) => entry.startsWith(`${name}:`));
  if (line === undefined) throw new Error(`${file} has no ${name}`);
  return Number(line.split(":")[2]);
}

/** In a process group of its own: master kills its group when it ends. */
function spawnDaemon([program = "", ...words]: readonly string[]): ChildProcess {
  const child = spawn(program, words, { detached: true, stdio: "ignore" });
  child.unref();
  return child;
}

/** SIGTERM to the daemon's group, SIGKILL to what is left of it when the daemon has ended or the time is up. */
async function stop(child: ChildProcess): Promise<void> {
  signalGroup(child, "SIGTERM");
  const deadline = Date.now() + stopTimeoutMs;
  while (child.exitCode === null && child.signalCode === null && Date.now() < deadline) await sleep(5);
  signalGroup(child, "SIGKILL");
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // The whole group has ended.
  }
}

/** True when something greets on the port. */
function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect({ port, host: "127.0.0.1" });
    const end = (value: boolean) => {
      socket.destroy();
      resolve(value);
    };
    socket.setTimeout(2_000, () => end(false));
    socket
      .once("data", () => end(true))
      .once("error", () => end(false))
      .once("close", () => end(false));
  });
}

function linesOf(file: string): readonly string[] {
  if (!existsSync(file)) return [];
  return readFileSync(file, "utf8")
    .split("\n")
    .filter((line) => line !== "");
}

/** One line of postqueue -j. */
function parseQueued(line: string): QueuedMail {
  return JSON.parse(line) as QueuedMail;
}
