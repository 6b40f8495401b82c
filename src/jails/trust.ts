// Who is trusted, gathered from all sides: loopback, the configuration, the machine's own addresses, Postfix's mynetworks, what was added
// by hand (names are resolved in the background), where administrators are, and the addresses of other nodes.

import { networkInterfaces } from "node:os";
import type { Clock } from "../core/clock.ts";
import { type Network, parseNetwork, printNetwork } from "../core/ip.ts";
import type { Log } from "../core/log.ts";
import { type TrustEntry, TrustList } from "../core/trust-list.ts";
import type { Store } from "../store/db.ts";
import { readTrusts, saveTrusts, type Trust as TrustRow } from "../store/trusts.ts";
import type { TrustSource } from "./jail-owner.ts";
import type { TrustedText } from "./jail-words.ts";
import { TrustedNames } from "./trusted-names.ts";

export interface TrustOptions {
  /** `[jails.trust] addresses`. */
  readonly addresses: readonly Network[];
  /** Networks of each Postfix instance; asked now and then, and may fail. */
  readonly mynetworks: () => Promise<readonly Network[]>;
  readonly store: Store;
  readonly node: string;
  readonly clock: Clock;
  readonly log: Log;
}

/** Interfaces come and go (DHCP, IPv6 privacy addresses). */
const lookMs = 60_000;

/** mynetworks changes when somebody edits main.cf. */
const mynetworksMs = 600_000;

/** A node that is gone for a day has lost its addresses, perhaps to somebody else. */
const ownUntilMs = 86_400_000;
const publishMs = 6 * 3_600_000;

export class Trust implements TrustSource {
  readonly #options: TrustOptions;
  readonly #names: TrustedNames;
  #entries: readonly TrustEntry[] = [];
  #list: TrustList;
  #mynetworks: readonly Network[] = [];
  #rows: readonly TrustRow[] = [];
  #lookedAt = Number.NEGATIVE_INFINITY;
  #mynetworksAt = Number.NEGATIVE_INFINITY;
  #publishedAt = Number.NEGATIVE_INFINITY;
  #published = "";
  #isMynetworksKnown = true;
  readonly #listeners: (() => Promise<void>)[] = [];

  constructor(options: TrustOptions) {
    this.#options = options;
    this.#names = new TrustedNames(options.log);
    this.#entries = this.#gather();
    this.#list = new TrustList(this.#entries);
  }

  readonly check = (network: Network, now: number): string | undefined => this.#list.find(network, now)?.why;

  /** The entry that forbids a ban, for `trust check`. */
  find(network: Network, now: number): TrustEntry | undefined {
    return this.#list.find(network, now);
  }

  entries(): readonly TrustEntry[] {
    return this.#list.entries;
  }

  texts(): readonly TrustedText[] {
    return this.#list.entries.map(({ network, until }) => ({ network: printNetwork(network), until }));
  }

  /** `listener` hears when somebody else is trusted than before, for other reasons than a row. */
  onChange(listener: () => Promise<void>): void {
    this.#listeners.push(listener);
  }

  /** Reads the rows again; for the change `trusts`. Names that are not known yet are resolved before it returns, within a limit. */
  async readRows(): Promise<void> {
    this.#rows = await readTrusts(this.#options.store, this.#options.clock.now());
    const names = this.#rows.map(({ value }) => value).filter((value) => parseNetwork(value) === undefined);
    await this.#names.use(names, this.#options.clock.now());
    this.#swap();
  }

  /** Looks at what changes without being told. Called about once a second; most calls do nothing. */
  async due(): Promise<void> {
    const now = this.#options.clock.now();
    const renamed = await this.#names.due(now);
    if (now - this.#lookedAt < lookMs && !renamed) return;
    this.#lookedAt = now;
    if (now - this.#mynetworksAt >= mynetworksMs) await this.#readMynetworks(now);
    await this.#publish(now);
    if (!this.#swap()) return;
    for (const listener of this.#listeners) await listener();
  }

  async #readMynetworks(now: number): Promise<void> {
    this.#mynetworksAt = now;
    try {
      this.#mynetworks = await this.#options.mynetworks();
      this.#isMynetworksKnown = true;
    } catch (error) {
      // What was known stays: a main.cf that is being edited must not make the neighbours strangers.
      if (this.#isMynetworksKnown) this.#options.log.warn("trust.mynetworks", { error: String(error) });
      this.#isMynetworksKnown = false;
    }
  }

  /** Tells other nodes our addresses. */
  async #publish(now: number): Promise<void> {
    const { store, node } = this.#options;
    const own = ownAddresses().map(printNetwork);
    const text = own.join(" ");
    if (text === this.#published && now - this.#publishedAt < publishMs) return;
    const rows = own.map((value) => ({ value, origin: "node" as const, node, until: now + ownUntilMs, note: "" }));
    await saveTrusts(store, rows, { by: node, now });
    this.#published = text;
    this.#publishedAt = now;
  }

  #gather(): TrustEntry[] {
    const { addresses } = this.#options;
    const all = (networks: readonly Network[], why: string) => networks.map((network) => ({ network, why }));
    return [
      ...all(addresses, "[jails.trust]"),
      ...all(ownAddresses(), "an address of this machine"),
      ...all(this.#mynetworks, "mynetworks"),
      ...this.#rows.flatMap((row) => this.#entriesOf(row)),
    ];
  }

  #entriesOf({ value, origin, node, note, until }: TrustRow): TrustEntry[] {
    const network = parseNetwork(value);
    const networks = network === undefined ? this.#names.addressesOf(value) : [network];
    const why =
      origin === "node"
        ? `an address of node ${node}`
        : origin === "admin"
          ? `an administrator is there${note && ` (${note})`}`
          : `trust add ${value}${note && ` (${note})`}`;
    return networks.map((one) => ({ network: one, why, ...(until === undefined ? {} : { until }) }));
  }

  /** True when it differs from before. */
  #swap(): boolean {
    const before = textOf(this.#entries);
    this.#entries = this.#gather();
    if (textOf(this.#entries) === before) return false;
    this.#list = new TrustList(this.#entries);
    return true;
  }
}

function textOf(entries: readonly TrustEntry[]): string {
  return entries.map(({ network, why, until }) => `${printNetwork(network)} ${until} ${why}`).join("\n");
}

/** Of every interface; an IPv6 zone is no part of an address. */
function ownAddresses(): readonly Network[] {
  const texts = Object.values(networkInterfaces()).flatMap((list) => (list ?? []).map(({ address }) => address));
  return [...new Set(texts.map((text) => text.replace(/%.*$/, "")))].flatMap((text) => parseNetwork(text) ?? []);
}
