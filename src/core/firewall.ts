// A firewall: a thing that can be made equal to a set of blocks. jails/firewalls fills this contract, one file a kind; jails/enforce drives it
// from the rows, in this process or through the helper.

import { type Network, printNetwork } from "./ip.ts";
import { type PortList, printPorts } from "./port-list.ts";

/** What is kept away: bans of one address that the firewall does not tell apart are one block. */
export interface Block {
  readonly address: Network;
  /** ms since the epoch; without it the block does not end by itself. */
  readonly until: number | undefined;
  /** Undefined closes everything. */
  readonly ports: PortList | undefined;
  /** Whose ban it is, for a firewall that takes each jail's bans by themselves. */
  readonly jail?: string;
}

/** What a firewall tells apart at one address: nothing, the ports that are closed, or the jails. */
export type Grain = "address" | "ports" | "jail";

export interface FirewallChange {
  /** Blocks that do not stand, as far as anybody knows. */
  readonly adds: readonly Block[];
  /** Blocks that stand and end at another time. */
  readonly renewals: readonly Block[];
  readonly deletes: readonly Block[];
  /** The blocks stood before this process: they are put back, nobody has just earned them. */
  readonly restored?: boolean;
}

/** `left`: connections that are there still. */
export interface CutReport {
  readonly cut: number;
  readonly left: number;
}

/** Every call rejects with an Error when the firewall did not do it; then it may be asked to open again, and read back. */
export interface Firewall extends AsyncDisposable {
  readonly name: string;
  /** true: a block leaves by itself at its time, also when nobody is there. */
  readonly forgets: boolean;
  /** true: a block that ends at another time is renewed, although it does not leave by itself. */
  readonly prolongs?: boolean;
  readonly grain: Grain;
  /** false for a block that it has no way to hold; without it there is none. */
  takes?(block: Block): boolean;
  /** Makes its tables and rules, or finds them; blocks that stand go on. Safe to repeat. */
  open(): Promise<void>;
  /**
   * All of it, or nothing, as far as the firewall can. Resolves, where it takes blocks one by one, with those that it could not take and
   * those that it lost meanwhile: they are handed over again later.
   */
  apply(change: FirewallChange, now: number): Promise<readonly Block[]>;
  /** Everything ends soon: what waits is given back. */
  hurry?(): void;
  /** What really stands; what may stand has an end in the past. Undefined where there is nothing to read. */
  readBack(now: number): Promise<readonly Block[] | undefined>;
  /** Ends the connections of blocks, and looks whether they ended. */
  cut(blocks: readonly Block[]): Promise<CutReport>;
  /** Takes away every rule and table of ours. */
  flush(): Promise<void>;
  /** Told when somebody else has changed what is ours; undefined where nobody tells us. */
  onForeignChange(listener: () => void): void;
}

/** One text for each block, whenever it ends. */
export function blockKey({ address, ports, jail }: Pick<Block, "address" | "ports" | "jail">): string {
  const key = ports === undefined ? printNetwork(address) : `${printNetwork(address)} ${printPorts(ports)}`;
  return jail === undefined ? key : `${key} @${jail}`;
}

/** A change in parts of at most `max` blocks, deletions first; a small one as it is. */
export function* batchesOf(change: FirewallChange, max: number): Generator<FirewallChange> {
  const { adds, renewals, deletes } = change;
  if (adds.length + renewals.length + deletes.length <= max) {
    yield change;
    return;
  }
  const none = { ...change, adds: [], renewals: [], deletes: [] };
  for (const [name, blocks] of Object.entries({ deletes, renewals, adds })) {
    for (let at = 0; at < blocks.length; at += max) yield { ...none, [name]: blocks.slice(at, at + max) };
  }
}
