// What an account uses: networks, countries, mechanisms, senders, each with the days on which it was used while all was calm.
// Small arrays, because most accounts use few of each and there are many accounts.

/** One thing that an account uses. Days are counted from the epoch, in UTC. */
export interface Use {
  readonly key: number;
  readonly firstDay: number;
  lastDay: number;
  /** Days of use on which the account stayed calm to the end. */
  calmDays: number;
}

/** The use of `key` today; made when there is none. Beyond `max` the one least relied on gives way. */
export function useOf(list: Use[], key: number, day: number, max: number): Use {
  for (const use of list) {
    if (use.key !== key) continue;
    use.lastDay = day;
    return use;
  }
  const use: Use = { key, firstDay: day, lastDay: day, calmDays: 0 };
  if (list.length < max) list.push(use);
  else list[leastRelied(list)] = use;
  return use;
}

/** An attacker's hundred networks push out each other, not the owner's. */
function leastRelied(list: readonly Use[]): number {
  let found = 0;
  for (const [index, use] of list.entries()) {
    const least = list[found];
    if (least === undefined) break;
    const order = use.calmDays - least.calmDays || use.lastDay - least.lastDay;
    if (order < 0) found = index;
  }
  return found;
}

/** A number for a text: FNV-1a, 30 bits. */
export function textKey(text: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  return (h >>> 2) & 0x3fffffff;
}

/** A country's two letters as a number; 0 for none. */
export function countryKey(country: string): number {
  return country.length === 2 ? country.charCodeAt(0) * 256 + country.charCodeAt(1) : 0;
}

/** The two letters of a country's number. */
export function keyCountry(key: number): string {
  return key === 0 ? "" : String.fromCharCode(key >> 8, key & 255);
}
