// One run of a program: how long it took, the processor's time, and the most memory that it held.

import { spawn } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";

export interface ChildRun {
  readonly wallMs: number;
  /** User and system time of all its threads. */
  readonly cpuMs: number;
  /** The high-water mark of resident memory, looked at every few milliseconds. */
  readonly memoryMb: number;
}

const lookMs = 5;
/** Clock ticks a second in /proc/PID/stat on Linux (USER_HZ, proc(5)). */
const ticksPerSecond = 100;

/** Runs it to its end, its output thrown away; undefined when there is no such program. One at a time. */
export async function runChild(words: readonly string[]): Promise<ChildRun | undefined> {
  const [program = "", ...args] = words;
  const output = openSync("/dev/null", "w");
  const cpuBefore = childrenCpuMs();
  const begun = performance.now();
  const child = spawn(program, args, { stdio: ["ignore", output, "inherit"] });
  let memoryMb = 0;
  const timer = setInterval(() => {
    memoryMb = Math.max(memoryMb, residentMb(child.pid ?? 0));
  }, lookMs);
  const code = await new Promise<number | undefined>((resolve) => {
    child.once("error", () => resolve(undefined));
    child.once("exit", (status) => resolve(status ?? 1));
  });
  const wallMs = performance.now() - begun;
  clearInterval(timer);
  closeSync(output);
  if (code === undefined) return undefined;
  // rg and grep say 1 for nothing found.
  if (code > 1) throw new Error(`${words.join(" ")} ended with ${code}`);
  return { wallMs, cpuMs: childrenCpuMs() - cpuBefore, memoryMb };
}

/** Of children that have ended (proc(5): cutime and cstime). */
function childrenCpuMs(): number {
  const fields = readFileSync("/proc/self/stat", "latin1").split(") ")[1]?.split(" ") ?? [];
  return ((Number(fields[13]) + Number(fields[14])) / ticksPerSecond) * 1000;
}

function residentMb(pid: number): number {
  try {
    return Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1] ?? 0) / 1024;
  } catch {
    return 0;
  }
}
