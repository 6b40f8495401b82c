// Tickets that wait for an answer from outside (`ignorecommand`, names that were not looked up yet): they come out when it is there,
// unless it excuses them. Lines never wait.

import type { Ticket } from "./ticket.ts";

/** Commands that run side by side; more would be a load of an attacker's making. */
const askingMax = 4;
/** Tickets that wait; beyond, one is let go and its address counts from nought again. */
const waitingMax = 1_000;

/** True when the ticket is excused. */
type Ask = () => Promise<boolean>;

export class HeldTickets {
  readonly #waiting: { readonly ticket: Ticket; readonly ask: Ask }[] = [];
  readonly #ready: Ticket[] = [];
  #asking = 0;

  /** Asks about a ticket; false when too many wait already. */
  hold(ticket: Ticket, ask: Ask): boolean {
    if (this.#waiting.length >= waitingMax) return false;
    this.#waiting.push({ ticket, ask });
    this.#next();
    return true;
  }

  /** Those that nobody excused. */
  take(): readonly Ticket[] {
    return this.#ready.splice(0);
  }

  #next(): void {
    if (this.#asking >= askingMax) return;
    const next = this.#waiting.shift();
    if (next === undefined) return;
    this.#asking++;
    void this.#askOne(next.ticket, next.ask);
  }

  async #askOne(ticket: Ticket, ask: Ask): Promise<void> {
    // Nobody is excused by a fault.
    const excused = await ask().catch(() => false);
    if (!excused) this.#ready.push(ticket);
    this.#asking--;
    this.#next();
  }
}
