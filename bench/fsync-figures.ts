// How long the disk takes to keep a page: what every durable answer waits for, so it stands beside the figures.

import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const writes = 300;

export function fsyncFigures(): string {
  const folder = mkdtempSync(join(tmpdir(), "postvarta-fsync-"));
  const file = openSync(join(folder, "f"), "w");
  const page = Buffer.alloc(8_192, 1);
  const waits = Array.from({ length: writes }, () => {
    writeSync(file, page);
    const from = performance.now();
    fdatasyncSync(file);
    return performance.now() - from;
  }).sort((a, b) => a - b);
  closeSync(file);
  rmSync(folder, { recursive: true });
  const at = (share: number) => (waits[Math.floor(writes * share)] ?? 0).toFixed(2);
  return `fdatasync of 8 kB p50 ${at(0.5)} ms, p99 ${at(0.99)} ms`;
}
