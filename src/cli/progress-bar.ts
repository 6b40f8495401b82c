// A bar on stderr for work that takes a while; nothing where nobody looks.

/** Characters of the bar. */
const width = 30;

/** Draws over the line before it; `share` from 0 to 1, the line ends at 1. */
export type DrawProgress = (share: number, text: string) => void;

/** Undefined where stderr is no terminal. */
export function progressBar(): DrawProgress | undefined {
  if (process.stderr.isTTY !== true) return undefined;
  return (share, text) => {
    const filled = Math.round(Math.min(1, Math.max(0, share)) * width);
    const bar = "█".repeat(filled) + "░".repeat(width - filled);
    // \x1b[K: what a longer line left behind (ECMA-48, 8.3.41).
    process.stderr.write(`\r${bar} ${Math.floor(share * 100)} % ${text}\x1b[K${share >= 1 ? "\n" : ""}`);
  };
}
