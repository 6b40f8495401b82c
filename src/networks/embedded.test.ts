import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { networkCacheDirectory } from "./embedded.ts";
import type { NetworkBook } from "./network-book.ts";
import { openNetworks } from "./networks.ts";

const day = 86_400_000;

describe("the network data that ship", () => {
  let cache = "";
  let book: NetworkBook;

  before(async () => {
    cache = await mkdtemp(path.join(tmpdir(), "postvarta-networks-"));
    ({ book } = await openNetworks({}, cache));
  });
  after(() => rm(cache, { recursive: true }));

  const known: readonly (readonly [ip: string, asn: number, country: string, kind: string])[] = [
    ["176.8.20.1", 15895, "UA", "access"],
    ["178.133.10.1", 21497, "UA", "access"],
    ["8.8.8.8", 15169, "US", "mail-cloud"],
    ["2a02:2378::1", 15895, "UA", "access"],
    ["91.14.1.1", 3320, "DE", "access"],
    ["40.92.1.1", 8075, "US", "mail-cloud"],
  ];
  for (const [ip, asn, country, kind] of known) {
    test(`${ip} is AS${asn}, ${country}, ${kind}`, () => {
      const found = book.find(ip);
      assert.deepEqual([found?.asn, found?.country, found?.kind], [asn, country, kind]);
    });
  }

  for (const ip of ["10.0.0.1", "::1", "100.64.0.1", "198.51.100.1", "2001:db8::1", "::ffff:192.168.1.1"]) {
    test(`${ip} is reserved, no system's and no country's`, () => {
      const found = book.find(ip);
      assert.deepEqual([found?.kind, found?.asn, found?.country], ["reserved", undefined, ""]);
    });
  }

  test("case 13: an address that nobody announces counts as one network a /24", () => {
    const [a, b, c] = ["93.74.1.1", "93.74.1.200", "93.74.2.1"].map((ip) => book.find(ip));
    assert.equal(a?.asn, undefined);
    assert.equal(a?.network, b?.network);
    assert.notEqual(a?.network, c?.network);
  });

  test("privacy addresses of one /64 are one line; another /64 is another", () => {
    const lines = ["2a02:2378:1:2::1", "2a02:2378:1:2:aaaa:bbbb:cccc:dddd", "2a02:2378:1:3::1"].map(
      (ip) => book.find(ip)?.line,
    );
    assert.equal(lines[0], lines[1]);
    assert.notEqual(lines[0], lines[2]);
  });

  test("a text that is no address belongs to nothing", () => assert.equal(book.find("unknown"), undefined));

  test("a system's name is told", () => assert.match(book.nameOf(15895), /Kyivstar/i));

  test("the compact file is kept once, and one that is damaged is made anew", async () => {
    const [file = ""] = await readdir(cache);
    await writeFile(path.join(cache, file), "damaged");
    const { book: again } = await openNetworks({}, cache);
    assert.equal(again.find("176.8.20.1")?.asn, 15895);
    assert.deepEqual(await readdir(cache), [file]);
  });

  test("case 15: data older than 90 days are called stale, and where data come from is told", async () => {
    const { statusAt } = await openNetworks({}, cache);
    const made = Date.parse(statusAt(0).systems.asOf);
    assert.equal(statusAt(made + 90 * day).systems.stale, false);
    assert.equal(statusAt(made + 91 * day).countries.stale, true);
    const notice = await readFile(new URL("../../NOTICE", import.meta.url), "utf8");
    for (const name of ["https://db-ip.com", "CC BY 4.0", "CC0"])
      for (const text of [notice, statusAt(made).attribution]) assert.ok(text.includes(name), name);
  });

  test("nothing is kept where no directory is known", () => {
    assert.equal(networkCacheDirectory({}), undefined);
    assert.equal(networkCacheDirectory({ CACHE_DIRECTORY: "/var/cache/postvarta" }), "/var/cache/postvarta");
  });
});
