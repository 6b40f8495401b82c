// Clients whose passwords nobody could look at, in a row: from many addresses and without one success it is the password service that
// is down. One client alone may send nonsense.

/** More is not needed to know. */
const clientsMax = 64;
const windowMs = 60_000;

export class UncheckedLogins {
  /** Client → when it failed last, the longest ago first. */
  readonly #clients = new Map<string, number>();

  /** `at` in ms; the present never goes back. */
  note(client: string, at: number): void {
    this.#clients.delete(client);
    if (this.#clients.size < clientsMax) this.#clients.set(client, at);
  }

  /** Somebody was let in: the service works. */
  loggedIn(): void {
    if (this.#clients.size > 0) this.#clients.clear();
  }

  /** How many clients within the last minute, at most 64. */
  count(now: number): number {
    for (const [client, at] of this.#clients) {
      if (now - at < windowMs) break;
      this.#clients.delete(client);
    }
    return this.#clients.size;
  }
}
