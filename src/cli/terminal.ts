// What a verb prints with: human lines or JSON, colour only where somebody sees it, hostile text made harmless.

import { safeText } from "./safe-text.ts";

export type Style = "bold" | "dim" | "red" | "green" | "yellow";

/** SGR parameters of ECMA-48, 8.3.117: on and off. */
const sgr: Readonly<Record<Style, readonly [number, number]>> = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
};

export interface TerminalOptions {
  /** `--json`. */
  readonly json?: boolean | undefined;
  /** false after `--no-color`. */
  readonly color?: boolean | undefined;
}

/** A client chooses how long a key is: beyond this only its own row is wide. */
const columnWidthMax = 100;

export class Terminal {
  readonly json: boolean;
  readonly #color: boolean;
  readonly #now = Date.now();

  constructor(options: TerminalOptions) {
    this.json = options.json === true;
    const wanted = options.color !== false && (process.env["NO_COLOR"] ?? "") === "" && process.env["TERM"] !== "dumb";
    this.#color = wanted && process.stdout.isTTY === true;
  }

  /** One line on stdout. `text` is ours; what came from elsewhere goes through `safeText` before. */
  line(text = ""): void {
    process.stdout.write(`${text}\n`);
  }

  /** A remark beside the answer, on stderr. */
  remark(text: string): void {
    process.stderr.write(`${text}\n`);
  }

  /** The answer as one JSON document; non-ASCII control characters are escaped, so that it is safe on a terminal too. */
  printJson(value: unknown): void {
    this.line(escapeJson(JSON.stringify(value, undefined, 2)));
  }

  paint(style: Style, text: string): string {
    const [on, off] = sgr[style];
    return this.#color ? `\x1b[${on}m${text}\x1b[${off}m` : text;
  }

  /** Rows under a head, columns aligned, two blanks between. Cells are made harmless here. */
  table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): void {
    const texts = rows.map((row) => row.map((cell) => safeText(String(cell))));
    const widths = head.map((title, i) =>
      texts.reduce((width, row) => Math.max(width, Math.min(columnWidthMax, widthOf(row[i] ?? ""))), title.length),
    );
    this.line(this.paint("bold", alignRow(head, widths, [])));
    const isNumber = head.map((_, i) => rows.every((row) => typeof row[i] === "number"));
    for (const row of texts) this.line(alignRow(row, widths, isNumber));
  }

  /** `2026-11-24 07:12:03 (in 12 min)`, local time; `-` for none. */
  time(iso: string | null): string {
    return iso === null ? "-" : `${localTime(new Date(iso))} (${relativeTime(Date.parse(iso) - this.#now)})`;
  }
}

/** JSON text with every character escaped that a terminal could act on. */
export function escapeJson(json: string): string {
  return json.replace(
    /[\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g,
    (ch) => {
      return `\\u${ch.charCodeAt(0).toString(16).padStart(4, "0")}`;
    },
  );
}

function alignRow(row: readonly string[], widths: readonly number[], numeric: readonly boolean[]): string {
  const cells = row.map((cell, i) => {
    const blanks = " ".repeat(Math.max(0, (widths[i] ?? 0) - widthOf(cell)));
    return numeric[i] === true ? blanks + cell : cell + blanks;
  });
  return cells.join("  ").trimEnd();
}

/** Characters, without the marks that stand above others. */
function widthOf(text: string): number {
  return [...text].filter((ch) => !/\p{Mn}/u.test(ch)).length;
}

function localTime(date: Date): string {
  const two = (value: number) => String(value).padStart(2, "0");
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

const steps: readonly (readonly [name: string, ms: number])[] = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["min", 60_000],
  ["s", 1_000],
];

/** `in 12 min`, `3 h ago`, `now`: the largest unit that counts at least one. */
function relativeTime(ms: number): string {
  const size = Math.abs(ms);
  const [name, unitMs] = steps.find(([, step]) => size >= step) ?? ["s", 1_000];
  const count = Math.round(size / unitMs);
  if (count === 0) return "now";
  return ms > 0 ? `in ${count} ${name}` : `${count} ${name} ago`;
}
