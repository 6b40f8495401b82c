// Lines that nobody understands, grouped by shape: what varies from line to line is left out, so that a form of log that we
// do not know is one row with a count, and not a million.

export interface LineShape {
  readonly shape: string;
  readonly count: number;
  /** The first line of this shape. */
  readonly sample: string;
}

/** Shapes that are kept; a new one takes the place of the rarest, which is then counted with the others. */
const shapesMax = 50;
const sampleCharsMax = 300;
const shapeCharsMax = 120;

export class LineShapes {
  readonly #shapes = new Map<string, { count: number; readonly sample: string }>();
  #others = 0;

  /** Lines whose shapes were too rare to be kept. */
  get others(): number {
    return this.#others;
  }

  see(line: string): void {
    const shape = shapeOf(line);
    const known = this.#shapes.get(shape);
    if (known !== undefined) known.count++;
    else {
      if (this.#shapes.size >= shapesMax) this.#dropRarest();
      this.#shapes.set(shape, { count: 1, sample: line.slice(0, sampleCharsMax) });
    }
  }

  /** The oldest of the rarest: a flood of lines without a form cannot keep out the one that a program writes. */
  #dropRarest(): void {
    let [rarest, least] = ["", Number.POSITIVE_INFINITY];
    for (const [shape, { count }] of this.#shapes) if (count < least) [rarest, least] = [shape, count];
    this.#shapes.delete(rarest);
    this.#others += least;
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
