// A daemon that root starts keeps no rights: the helper is forked, which has them, and the daemon becomes the user that it should run as.

import { type ChildProcess, fork } from "node:child_process";
import { chmodSync, chownSync, existsSync, mkdirSync } from "node:fs";
import { createConnection } from "node:net";
import { dirname } from "node:path";
import { setTimeout } from "node:timers/promises";
import type { Config } from "./config/config.ts";
import type { Log } from "./core/log.ts";
import { Problem } from "./core/problem.ts";
import { findUser, type User } from "./helper-role.ts";
import { sqlitePath } from "./store/open.ts";

export interface RightsOptions {
  readonly config: Pick<Config, "helper" | "store" | "control">;
  /** Where the configuration was read from, when a person named it. */
  readonly configFile: string | undefined;
  readonly log: Log;
}

const readyMs = 20_000;
/** A helper whose daemon was killed closes its socket within this; one that stays is somebody's own. */
const goneMs = 1_000;
const endMs = 5_000;

/**
 * Where we are root and `[helper]` names a socket and a user: afterwards the process has that user's rights alone, and disposing ends the
 * helper. Anywhere else nothing happens. A helper that runs on its own already, as under systemd, is used. Throws a Problem config/bad-value
 * for a user that is not there, helper/no-start when the helper ends at once.
 */
export async function giveUpRights(options: RightsOptions): Promise<AsyncDisposable | undefined> {
  const { helper, store, control } = options.config;
  if (process.getuid?.() !== 0 || helper.socket === "" || helper.user === "") return undefined;
  const user = await findUser(helper.user);
  if (user.uid === 0) return undefined;
  await using stack = new AsyncDisposableStack();
  if (!(await isServed(helper.socket))) stack.use(await forkHelper(options));
  makeFolder(dirname(control.socket), user, 0o755);
  if (store.url.startsWith("sqlite:")) makeFolder(dirname(sqlitePath(store.url)), user, 0o700);
  become(user);
  options.log.info("rights.given_up", { user: helper.user, uid: user.uid });
  return stack.move();
}

/** The groups first: without root's rights they could not be changed any more. */
function become({ uid, gid, groups }: User): void {
  process.setgroups?.([...groups]);
  process.setgid?.(gid);
  process.setuid?.(uid);
}

/** What root makes would be closed to the user; what is there is the administrator's and stays as it is. */
function makeFolder(path: string, { uid, gid }: User, mode: number): void {
  if (existsSync(path)) return;
  mkdirSync(path, { recursive: true, mode: 0o755 });
  chmodSync(path, mode);
  chownSync(path, uid, gid);
}

/** Resolves with false as soon as nobody listens, with true when whoever does is still there after `goneMs`. */
function isServed(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(path);
    socket.setTimeout(goneMs, () => {
      resolve(true);
      socket.destroy();
    });
    socket.on("error", () => resolve(false)).on("close", () => resolve(false));
  });
}

/** In a session of its own: a Ctrl-C at the terminal is for the daemon, which needs the helper to its end. */
async function forkHelper({ configFile, log }: RightsOptions): Promise<AsyncDisposable> {
  const words = ["helper", ...(configFile === undefined ? [] : ["--config", configFile])];
  const child = fork(process.argv[1] ?? "", words, { detached: true, stdio: ["ignore", "ignore", "inherit", "ipc"] });
  const ended = new Promise<number | null>((resolve) => child.once("exit", resolve));
  const ready = new Promise<"ready">((resolve) => child.once("message", () => resolve("ready")));
  const first = await Promise.race([ready, ended, setTimeout(readyMs, "late" as const, { ref: false })]);
  if (first !== "ready") {
    child.kill("SIGKILL");
    throw new Problem(first === "late" ? "the helper is not ready" : "the helper ended at once", {
      ...{ code: "helper/no-start", where: "helper" },
      hint: "what it said stands above; `postvarta helper` runs it alone",
    });
  }
  const tell = (code: number | null, signal: string | null) =>
    log.error("helper.ended", { status: code ?? signal ?? "", hint: "the firewall stays as it is: restart Postvarta" });
  child.on("exit", tell);
  return {
    [Symbol.asyncDispose]: () => {
      child.off("exit", tell);
      return end(child, ended);
    },
  };
}

/** The closed channel tells it to go: a process of root's cannot be signalled any more. */
async function end(child: ChildProcess, ended: Promise<unknown>): Promise<void> {
  if (child.connected) child.disconnect();
  await Promise.race([ended, setTimeout(endMs, undefined, { ref: false })]);
}
