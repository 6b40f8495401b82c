// Networks and what hangs on them, found by an address they contain: two Patricia tries, one a family.
// D. Morrison, PATRICIA, JACM 15 (1968): only branching points are nodes, so a look-up costs the depth of the nesting.

import { type Ip, type Network, networkOf } from "./ip.ts";

/** Values by network; several values may hang on one network. */
export class NetworkTree<V> {
  readonly #roots: { 4: Node<V> | undefined; 6: Node<V> | undefined } = { 4: undefined, 6: undefined };
  #size = 0;

  /** Number of values. */
  get size(): number {
    return this.#size;
  }

  /** Hangs `value` on `network`, behind those already there. */
  add(network: Network, value: V): void {
    const { family } = network.ip;
    this.#roots[family] = insert(this.#roots[family], networkOf(network.ip, network.length), value);
    this.#size++;
  }

  /** Appends to `into` the values of every network that contains `ip`, the widest network first; never across families. */
  collect(ip: Ip, into: V[]): void {
    let node = this.#roots[ip.family];
    while (node !== undefined && covers(node, ip.words)) {
      for (const value of node.values) into.push(value);
      node = bitAt(ip.words, node.length) === 0 ? node.zero : node.one;
    }
  }
}

type Words = Ip["words"];

/** Covers all addresses that begin with `length` bits of `words`; without values it only branches. */
interface Node<V> {
  readonly words: Words;
  readonly length: number;
  readonly values: V[];
  zero: Node<V> | undefined;
  one: Node<V> | undefined;
}

/** The tree below `node` with the network in it; at most 128 deep. */
function insert<V>(node: Node<V> | undefined, network: Network, value: V): Node<V> {
  const { words } = network.ip;
  if (node === undefined) return { words, length: network.length, values: [value], zero: undefined, one: undefined };
  const shared = Math.min(commonBits(node.words, words), node.length, network.length);
  if (shared === node.length && shared === network.length) {
    node.values.push(value);
    return node;
  }
  if (shared === node.length) {
    hang(node, insert(bitAt(words, shared) === 0 ? node.zero : node.one, network, value));
    return node;
  }
  const above: Node<V> = {
    words: networkOf(network.ip, shared).ip.words,
    length: shared,
    values: shared === network.length ? [value] : [],
    zero: undefined,
    one: undefined,
  };
  hang(above, node);
  if (shared < network.length) hang(above, insert(undefined, network, value));
  return above;
}

function hang<V>(above: Node<V>, below: Node<V>): void {
  if (bitAt(below.words, above.length) === 0) above.zero = below;
  else above.one = below;
}

/** Nought behind the last bit, where nothing hangs. */
function bitAt(words: Words, index: number): 0 | 1 {
  return (((words[index >>> 5] ?? 0) >>> (31 - (index & 31))) & 1) === 0 ? 0 : 1;
}

function commonBits(a: Words, b: Words): number {
  for (let i = 0; i < 4; i++) {
    const difference = (a[i] ?? 0) ^ (b[i] ?? 0);
    if (difference !== 0) return i * 32 + Math.clz32(difference);
  }
  return 128;
}

function covers<V>(node: Node<V>, words: Words): boolean {
  return commonBits(node.words, words) >= node.length;
}
