// A real systemd-journald in a mount namespace of its own, with a journal of its own, and a `journalctl` in PATH that reads it.
// systemd itself does not run there.

import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const journald = "/usr/lib/systemd/systemd-journald";
const startMs = 10_000;

/** In the namespace: nothing of the machine's own journal, and no kernel messages. Prints a line when it takes messages. */
const script = `
set -e
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /var/log
mkdir -p /run/systemd/journal /run/log/journal /run/systemd/journald.conf.d
printf '[Journal]\\nReadKMsg=no\\nAudit=no\\nStorage=volatile\\nRateLimitBurst=0\\n' > /run/systemd/journald.conf.d/test.conf
${journald} &
echo $! > "$1/journald.pid"
for i in $(seq 200); do [ -S /run/systemd/journal/stdout ] && [ -d /run/log/journal/* ] && break; sleep 0.05; done
echo ready
exec sleep 300
`;

export class JournaldRig implements AsyncDisposable {
  readonly directory = mkdtempSync(join(tmpdir(), "postvarta-journald-"));
  readonly #path = process.env["PATH"];
  #child: ChildProcess | undefined;

  static async start(): Promise<JournaldRig> {
    const rig = new JournaldRig();
    await rig.#start();
    return rig;
  }

  async #start(): Promise<void> {
    const words = ["--mount", "--propagation", "private", "sh", "-c", script, "sh", this.directory];
    const child = spawn("unshare", words, { stdio: ["ignore", "pipe", "inherit"] });
    this.#child = child;
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error("systemd-journald does not start")), startMs);
      child.stdout.once("data", () => {
        clearTimeout(timer);
        resolve();
      });
      child.once("exit", () => reject(new Error("systemd-journald ended")));
    });
    const wrapper = join(this.directory, "journalctl");
    writeFileSync(wrapper, `#!/bin/sh\nexec nsenter --target ${child.pid} --mount /usr/bin/journalctl "$@"\n`);
    chmodSync(wrapper, 0o755);
    process.env["PATH"] = `${this.directory}:${this.#path}`;
  }

  /** Each line as a message of its own, written as a service writes to its standard output. */
  write(identifier: string, lines: Buffer | string): void {
    execFileSync("nsenter", this.#inside("systemd-cat", "-t", identifier, "cat"), { input: lines });
  }

  /** A shell command where the journal is. */
  run(command: string): void {
    execFileSync("nsenter", this.#inside("sh", "-c", command), { stdio: ["ignore", "ignore", "inherit"] });
  }

  /** Ends journald as the OOM killer would, and starts it again. */
  restartJournald(): void {
    this.run(
      `kill -9 $(cat ${this.directory}/journald.pid); ${journald} >/dev/null 2>&1 & echo $! > ${this.directory}/journald.pid; sleep 0.5`,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    process.env["PATH"] = this.#path;
    spawnSync("sh", ["-c", `kill $(cat ${this.directory}/journald.pid)`]);
    this.#child?.kill("SIGKILL");
    rmSync(this.directory, { recursive: true });
  }

  #inside(...words: readonly string[]): readonly string[] {
    return ["--target", String(this.#child?.pid), "--mount", ...words];
  }
}
