// Whether what was ended has ended: a kernel does it at once, and a busy machine lists it a moment longer.

const looksMax = 5;
const lookAgainMs = 50;

/** What the last look still found; nothing as soon as one finds nothing. */
export async function lookUntilGone<Found>(look: () => Promise<readonly Found[]>): Promise<readonly Found[]> {
  let found = await look();
  for (let looks = 1; looks < looksMax && found.length > 0; looks++) {
    await new Promise((resolve) => setTimeout(resolve, lookAgainMs));
    found = await look();
  }
  return found;
}
