// A cell's state as text, for the journal and the table. Times lie close together, and states are pairs of a time and an amount, so the
// difference to the number before the last is a fifth of the bytes of JSON: most of what a question costs is turning numbers into digits.

import type { CellState } from "../../core/cell.ts";

/** From here on a number stands as its difference to the one two places before: behind the layout and the first pair. */
const firstDifference = 3;

/** `p` and the layout, the first pair, then differences: `p1,28333333,3,5,0`; JSON where a number is not a safe integer. Never needs escaping. */
export function renderState(state: CellState): string {
  let text = "p";
  for (let i = 0; i < state.length; i++) {
    const number = state[i] ?? 0;
    const step = i < firstDifference ? number : number - (state[i - 2] ?? 0);
    if (!Number.isSafeInteger(number) || !Number.isSafeInteger(step)) return JSON.stringify(state);
    text += i === 0 ? step : `,${step}`;
  }
  return text;
}

/** The reverse of renderState; the text is our own, so anything else is a bug. */
export function parseState(text: string): CellState {
  if (text.startsWith("d")) return parseNeighbours(text);
  if (!text.startsWith("p")) return (JSON.parse(text) as unknown[]).map(Number);
  if (text.length === 1) return [];
  const numbers = text.slice(1).split(",").map(Number);
  for (let i = firstDifference; i < numbers.length; i++) numbers[i] = (numbers[i] ?? 0) + (numbers[i - 2] ?? 0);
  return numbers;
}

/** `d` and the differences between neighbours: how stores of the first versions have it. */
function parseNeighbours(text: string): CellState {
  if (text.length === 1) return [];
  let sum = 0;
  return text
    .slice(1)
    .split(",")
    .map((step) => {
      sum += Number(step);
      return sum;
    });
}
