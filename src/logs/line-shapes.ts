// Lines that nobody understands, grouped by shape: what varies from line to line is left out, so that a form of log that we
// do not know is one row with a count, and not a million.

export interface LineShape {
  readonly shape: string;
  readonly count: number;
  /** The first line of this shape. */
  readonly sample: string;
}

/** Shapes that are kept; the rest is counted together. */
const shapesMax = 50;
const sampleCharsMax = 300;
const shapeCharsMax = 120;

export class LineShapes {
  readonly #shapes = new Map<string, { count: number; readonly sample: string }>();
  #others = 0;

  /** Lines whose shape came when there was no room any more. */
  get others(): number {
    return this.#others;
  }

  see(line: string): void {
    const shape = shapeOf(line);
    const known = this.#shapes.get(shape);
    if (known !== undefined) known.count++;
    else if (this.#shapes.size < shapesMax)
      this.#shapes.set(shape, { count: 1, sample: line.slice(0, sampleCharsMax) });
    else this.#others++;
  }

  /** Most frequent first. */
  list(): readonly LineShape[] {
    return [...this.#shapes]
      .map(([shape, { count, sample }]) => ({ shape, count, sample }))
      .sort((a, b) => b.count - a.count);
  }
}

/** Words and numbers become `a` and `0`, what is quoted or in brackets is emptied. */
function shapeOf(line: string): string {
  return line
    .slice(0, sampleCharsMax)
    .replace(/"[^"]*"|\[[^\]]*\]|<[^>]*>/g, (text) => `${text[0]}${text.at(-1)}`)
    .replace(/[\p{L}\p{M}_]+/gu, "a")
    .replace(/\d+/g, "0")
    .replace(/(?:[a0][.:@/-]?)*[a0]/g, (word) => (word.includes("a") ? "a" : "0"))
    .replace(/(a )(?:a )+/g, "$1")
    .slice(0, shapeCharsMax);
}
