// How much room V8 gives to objects that have just been made. Left alone it grows to two halves of 64 MB: a collection then
// copies what is left of thousands of questions at once while nobody is answered, and no processor's cache holds it. And by whom it is
// collected: V8's helpers are woken for each of these small collections, and the questions wait for the slowest of them.

import { setFlagsFromString } from "node:v8";

/**
 * Keeps the young generation of every thread as large as it is, and collected by the thread itself. Called when the daemon's modules are loaded, it is two halves of
 * 2 to 4 MB: some hundred questions. V8 reads this flag at each growth; `--max-semi-space-size` only before a program starts.
 */
export function holdYoungGeneration(): void {
  setFlagsFromString("--semi-space-growth-factor=1");
  setFlagsFromString("--no-parallel-scavenge");
}
