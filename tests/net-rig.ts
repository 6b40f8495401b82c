// Two network namespaces with a cable between them: a mail host and a stranger. Nothing of it touches the machine's own network.

import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";

/** The host has .1, the stranger .2 (his own), .3 to .9 (others'). */
export const hostIp = "198.51.100.1";
export const strangerIp = "198.51.100.2";

export class NetRig implements Disposable {
  readonly host: string;
  readonly stranger: string;
  readonly #children: ChildProcess[] = [];

  constructor() {
    const id = randomBytes(3).toString("hex");
    this.host = `pvh${id}`;
    this.stranger = `pvs${id}`;
    ip("netns", "add", this.host);
    ip("netns", "add", this.stranger);
    ip("-n", this.host, "link", "add", `h${id}`, "type", "veth", "peer", "name", `s${id}`, "netns", this.stranger);
    ip("-n", this.host, "addr", "add", `${hostIp}/24`, "dev", `h${id}`);
    ip("-n", this.host, "addr", "add", "2001:db8:51::1/64", "dev", `h${id}`, "nodad");
    for (let last = 2; last < 10; last++)
      ip("-n", this.stranger, "addr", "add", `198.51.100.${last}/24`, "dev", `s${id}`);
    ip("-n", this.stranger, "addr", "add", "2001:db8:51::2/64", "dev", `s${id}`, "nodad");
    for (const [name, link] of [
      [this.host, `h${id}`],
      [this.stranger, `s${id}`],
    ] as const) {
      ip("-n", name, "link", "set", "lo", "up");
      ip("-n", name, "link", "set", link, "up");
    }
  }

  /** How a tool is run beside the mail host. */
  get prefix(): readonly string[] {
    return ["ip", "netns", "exec", this.host];
  }

  /** Runs to its end inside; its output. */
  run(where: "host" | "stranger", program: string, ...args: readonly string[]): string {
    return execFileSync("ip", ["netns", "exec", this[where], program, ...args], { encoding: "utf8", timeout: 30_000 });
  }

  /** Stays until the rig goes. */
  start(where: "host" | "stranger", program: string, ...args: readonly string[]): ChildProcess {
    const child = spawn("ip", ["netns", "exec", this[where], program, ...args], { stdio: ["pipe", "pipe", "inherit"] });
    this.#children.push(child);
    return child;
  }

  [Symbol.dispose](): void {
    for (const child of this.#children) child.kill("SIGKILL");
    spawnSync("ip", ["netns", "del", this.stranger]);
    spawnSync("ip", ["netns", "del", this.host]);
  }
}

function ip(...args: readonly string[]): void {
  execFileSync("ip", args, { stdio: ["ignore", "ignore", "inherit"], timeout: 10_000 });
}
