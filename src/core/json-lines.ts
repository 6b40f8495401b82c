// JSON values on a stream, one a line, with a limit.

/** Cuts pieces of a stream into values. */
export class JsonLines {
  readonly #bytesMax: number;
  #rest = "";

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** The values that a piece completes. Throws for a line that is no JSON, or too long. */
  see(piece: string): unknown[] {
    const lines = (this.#rest + piece).split("\n");
    this.#rest = lines.pop() ?? "";
    if (this.#rest.length > this.#bytesMax) throw new Error("a line is too long");
    return lines.filter((line) => line !== "").map((line): unknown => JSON.parse(line));
  }
}
