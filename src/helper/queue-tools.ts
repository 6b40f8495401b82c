// Postfix's queue, Dovecot's sessions and single connections, through their own programs with fixed arguments.

import { parseIp, printIp } from "../core/ip.ts";
import { lookUntilGone } from "../core/look-until-gone.ts";
import type { WireConnection } from "../core/privileged.ts";

interface ToolOptions {
  readonly stdin?: string;
  readonly timeoutMs?: number;
}

/** Runs a program with fixed arguments, no shell. */
export interface RunTool {
  /** Rejects when it does not end well; resolves with what it printed. */
  demand(program: string, args: readonly string[], options?: ToolOptions): Promise<string>;
  run(
    program: string,
    args: readonly string[],
    options?: ToolOptions,
  ): Promise<{ readonly status: number | undefined; readonly stderr: string }>;
}

/** postsuper goes through the whole queue. */
const queueMs = 60_000;
const kickMs = 10_000;
/** EX_NOHOST: nobody was kicked (doveadm-kick(1)). */
const noSessions = 68;

const flags = { hold: "-h", release: "-H", delete: "-d" } as const;

export class QueueTools {
  readonly #tools: RunTool;
  readonly #directories: readonly string[];
  readonly #dovecot: readonly string[];

  /** `directories`: the configurations of the Postfix instances. `dovecot`: the file of Dovecot's; empty: its own. */
  constructor(tools: RunTool, directories: readonly string[], dovecot = "") {
    this.#tools = tools;
    this.#directories = directories;
    this.#dovecot = dovecot === "" ? [] : ["-c", dovecot];
  }

  /** An id that is not there is passed over by postsuper. */
  async change(act: keyof typeof flags, queueIds: readonly string[]): Promise<void> {
    const stdin = queueIds.map((id) => `${id}\n`).join("");
    for (const directory of this.#directories) {
      await this.#tools.demand("postsuper", ["-c", directory, flags[act], "-"], { stdin, timeoutMs: queueMs });
    }
  }

  /** Ends every session of a login; false when it had none. */
  async kick(login: string): Promise<boolean> {
    const { status, stderr } = await this.#tools.run("doveadm", [...this.#dovecot, "kick", login], {
      timeoutMs: kickMs,
    });
    if (status !== 0 && status !== noSessions) throw new Error(`doveadm failed: ${stderr.slice(0, 500) || status}`);
    return status === 0;
  }

  /**
   * Ends connections of Postfix's smtpd by their other end; how many were there and are no more. What another program holds is left
   * alone: the other end may have come back to it from the same port.
   */
  async hangUp(connections: readonly WireConnection[]): Promise<number> {
    const ends = new Set(connections.flatMap(([address, port]) => endOf(address, port) ?? []));
    const before = await this.#sessions(ends);
    if (before.length === 0) return 0;
    const filter = before.flatMap((end, i) => [...(i === 0 ? [] : ["or"]), ...filterOf(end)]);
    // Its exit status says nothing of what it did.
    await this.#tools.run("ss", ["-H", "-n", "-t", "-K", "state", "connected", "(", ...filter, ")"]);
    const left = await lookUntilGone(() => this.#sessions(ends));
    return Math.max(0, before.length - left.length);
  }

  async #sessions(ends: ReadonlySet<string>): Promise<readonly string[]> {
    if (ends.size === 0) return [];
    const text = await this.#tools.demand("ss", ["-H", "-n", "-t", "-p", "state", "connected"]);
    const found = text.split("\n").flatMap((line) => {
      const [, address = "", port, program] = sessionLine.exec(line) ?? [];
      return program === "smtpd" ? (endOf(address, Number(port)) ?? []) : [];
    });
    return [...new Set(found)].filter((end) => ends.has(end));
  }
}

/** `… PEER:PORT users:(("smtpd",pid=1,fd=9)) …`; addresses of IPv6 stand in brackets. */
const sessionLine = /\s\[?([^\s[\]]+)\]?:(\d+)\s+users:\(\("([^"]*)"/;

/** Address and port as one text; a mapped IPv4 is IPv4, by which ss finds both. */
function endOf(address: string, port: number): string | undefined {
  const ip = parseIp(address);
  return ip === undefined ? undefined : `${printIp(ip)} ${port}`;
}

function filterOf(end: string): readonly string[] {
  const [address = "", port] = end.split(" ");
  return ["(", "dst", address, "and", "dport", "=", `:${port}`, ")"];
}
