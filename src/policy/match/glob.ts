// `*` and nothing else: matched piece by piece from the left, so that no text of a client makes it slow.

/** The literal pieces around the wildcards; without a wildcard `tail` is undefined and `head` is the whole text. */
export interface Glob {
  readonly head: string;
  readonly middle: readonly string[];
  readonly tail: string | undefined;
}

export function parseGlob(text: string): Glob {
  const [head = "", ...rest] = text.split("*");
  const tail = rest.pop();
  return { head, middle: rest.filter((piece) => piece !== ""), tail };
}

/** True when `text` is the pieces in order with anything between. The leftmost place for each piece is always a right one. */
export function matchesGlob(glob: Glob, text: string): boolean {
  const { head, middle, tail } = glob;
  if (tail === undefined) return text === head;
  if (text.length < head.length + tail.length || !text.startsWith(head) || !text.endsWith(tail)) return false;
  const end = text.length - tail.length;
  let from = head.length;
  for (const piece of middle) {
    const at = text.indexOf(piece, from);
    if (at < 0 || at + piece.length > end) return false;
    from = at + piece.length;
  }
  return true;
}
