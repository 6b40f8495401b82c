import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { contains, type Ip, type Network, networkOf, parseIp, parseNetwork, widthOf } from "./ip.ts";
import { NetworkTree } from "./network-tree.ts";

const runs = process.env.POSTVARTA_FULL === "1" ? 50_000 : 2_000;

test("an address finds all networks around it, the widest first, and none of the other family", () => {
  const tree = treeOf("0.0.0.0/0", "10.0.0.0/8", "10.1.0.0/16", "10.1.2.3", "::/0", "2001:db8::/32", "10.1.0.0/16");
  assert.deepEqual(find(tree, "10.1.2.3"), ["0.0.0.0/0", "10.0.0.0/8", "10.1.0.0/16", "10.1.0.0/16", "10.1.2.3"]);
  assert.deepEqual(find(tree, "10.2.0.0"), ["0.0.0.0/0", "10.0.0.0/8"]);
  assert.deepEqual(find(tree, "2001:db8::1"), ["::/0", "2001:db8::/32"]);
  assert.equal(tree.size, 7);
});

test("host bits of a network that is added do not matter", () => {
  const tree = new NetworkTree<string>();
  const ip = parseIp("10.1.2.3");
  assert.ok(ip);
  tree.add({ ip, length: 8 }, "ten");
  assert.deepEqual(find(tree, "10.9.9.9"), ["ten"]);
});

test("an empty tree finds nothing", () => {
  assert.deepEqual(find(new NetworkTree<string>(), "10.1.2.3"), []);
});

test("the tree finds what a look at every network finds", () => {
  fc.assert(
    fc.property(
      fc.array(networks(), { maxLength: 40 }),
      fc.array(ips(), { minLength: 1, maxLength: 5 }),
      (list, asked) => {
        const tree = new NetworkTree<number>();
        for (const [index, network] of list.entries()) tree.add(network, index);
        for (const ip of asked) {
          const found: number[] = [];
          tree.collect(ip, found);
          const expected = [...list.keys()].filter((index) => contains(get(list, index), ip));
          expected.sort((a, b) => get(list, a).length - get(list, b).length || a - b);
          assert.deepEqual(found, expected);
        }
      },
    ),
    { numRuns: runs },
  );
});

/** Few distinct words, so that networks nest; the last one has its highest bit set, where signs go wrong. */
function ips(): fc.Arbitrary<Ip> {
  const word = fc.constantFrom(0, 1, 0x80000000, 0xffffffff, 0x0a000001, 0x0a800000);
  const v4 = word.map((a): Ip => ({ family: 4, words: [a, 0, 0, 0] }));
  const v6 = fc.tuple(word, word, word, word).map((words): Ip => ({ family: 6, words }));
  return fc.oneof(v4, v6);
}

function networks(): fc.Arbitrary<Network> {
  return fc.tuple(ips(), fc.nat(128)).map(([ip, length]) => networkOf(ip, Math.min(length, widthOf(ip))));
}

function get(list: readonly Network[], index: number): Network {
  const network = list[index];
  assert.ok(network);
  return network;
}

function treeOf(...texts: readonly string[]): NetworkTree<string> {
  const tree = new NetworkTree<string>();
  for (const text of texts) {
    const network = parseNetwork(text);
    assert.ok(network);
    tree.add(network, text);
  }
  return tree;
}

function find(tree: NetworkTree<string>, text: string): string[] {
  const ip = parseIp(text);
  assert.ok(ip);
  const found: string[] = [];
  tree.collect(ip, found);
  return found;
}
