// Postfix's queue and Dovecot's sessions, through their own programs with fixed arguments.

interface ToolOptions {
  readonly stdin?: string;
  readonly timeoutMs?: number;
}

/** Runs a program with fixed arguments, no shell. */
export interface RunTool {
  /** Rejects when it does not end well. */
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

  /** `directories`: the configurations of the Postfix instances. */
  constructor(tools: RunTool, directories: readonly string[]) {
    this.#tools = tools;
    this.#directories = directories;
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
    const { status, stderr } = await this.#tools.run("doveadm", ["kick", login], { timeoutMs: kickMs });
    if (status !== 0 && status !== noSessions) throw new Error(`doveadm failed: ${stderr.slice(0, 500) || status}`);
    return status === 0;
  }
}
