import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { gzipSync } from "node:zlib";
import { parseNetwork } from "../core/ip.ts";
import { Problem } from "../core/problem.ts";
import { type ImportOptions, importNetworks } from "./import.ts";
import { type OpenedNetworks, openNetworks } from "./networks.ts";
import { parseRangeCsv } from "./range-csv.ts";

describe("forms of CSV", () => {
  const forms: readonly (readonly [name: string, text: string, systems: string, countries: string])[] = [
    [
      "ip-location-db, numbers",
      '16777216,16777471,13335,"Cloudflare, Inc."\n',
      "1.0.0.0-1.0.0.255 13335 Cloudflare, Inc.",
      "",
    ],
    ["ip-location-db, dotted", "1.0.0.0,1.0.0.255,13335,Cloudflare\r\n", "1.0.0.0-1.0.0.255 13335 Cloudflare", ""],
    [
      "ip-location-db countries",
      "1.0.0.0,1.0.0.255,AU\n1.0.1.0,1.0.3.255,CN\n",
      "",
      "1.0.0.0-1.0.0.255 21|1.0.1.0-1.0.3.255 66",
    ],
    [
      "GeoLite2 ASN",
      'network,autonomous_system_number,autonomous_system_organization\n1.0.4.0/22,38803,"Wirefreebroadband ""Pty"" Ltd"\n',
      '1.0.4.0-1.0.7.255 38803 Wirefreebroadband "Pty" Ltd',
      "",
    ],
    [
      "IPinfo Lite",
      "network,country,country_code,continent,continent_code,asn,as_name,as_domain\n1.0.0.0/24,Australia,AU,Oceania,OC,AS13335,Cloudflare,c.example\n5.0.0.1,Syria,SY,Asia,AS,,,\n",
      "1.0.0.0-1.0.0.255 13335 Cloudflare",
      "1.0.0.0-1.0.0.255 21|5.0.0.1-5.0.0.1 493",
    ],
    [
      "prefix2as",
      "1.0.0.0\t24\t13335\n1.0.4.0\t22\t38803_56203\n",
      "1.0.0.0-1.0.0.255 13335 |1.0.4.0-1.0.7.255 38803 ",
      "",
    ],
    [
      "a range of which nothing is known",
      "1.0.0.0,1.0.0.255,13335,x\n1.0.1.0,1.0.1.255,0,\n",
      "1.0.0.0-1.0.0.255 13335 x",
      "",
    ],
  ];
  const dotted = (word: number) => [24, 16, 8, 0].map((shift) => (word >>> shift) & 255).join(".");
  for (const [name, text, systems, countries] of forms) {
    test(name, () => {
      const parsed = parseRangeCsv(text);
      assert.ok(!("badLine" in parsed), JSON.stringify(parsed));
      const { names } = parsed.systems;
      const told = parsed.systems.v4.map(
        ([from, to, asn]) => `${dotted(from)}-${dotted(to)} ${asn} ${names.get(asn) ?? ""}`,
      );
      assert.equal(told.join("|"), systems);
      assert.equal(
        parsed.countries.v4.map(([from, to, code]) => `${dotted(from)}-${dotted(to)} ${code}`).join("|"),
        countries,
      );
    });
  }

  test("IPv6 prefixes and numbers", () => {
    const parsed = parseRangeCsv("2a02:2378::/32,15895,Kyivstar\n");
    assert.ok(!("badLine" in parsed));
    assert.deepEqual(parsed.systems.v6, [[0x2a022378, 0, 0x2a022378, 0xffffffff, 15895]]);
  });

  const bad: readonly (readonly [name: string, text: string, line: number])[] = [
    ["no table at all", "<html>\n", 1],
    ["a broken range in the middle", "1.0.0.0,1.0.0.255,1,x\n1.0.0.0,2a02::,1,x\n", 2],
    ["an address that has no reading", "1.0.0.0,1.0.0.255,1,x\n01.0.0.0,1.0.0.255,1,x\n", 2],
    ["a word for a number", "1.0.0.0,1.0.0.255,1,x\n1.0.1.0,1.0.1.255,one,x\n", 2],
    ["places by number only", "network,geoname_id,registered_country_geoname_id\n", 1],
    ["a line without end", `1.0.0.0,1.0.0.255,1,x\n${"x".repeat(5_000)}\n`, 2],
  ];
  for (const [name, text, line] of bad) {
    test(`${name} is refused with its line`, () => {
      const parsed = parseRangeCsv(text);
      assert.equal("badLine" in parsed ? parsed.badLine : 0, line);
    });
  }
});

describe("imported data", () => {
  const directory = mkdtempSync(path.join(tmpdir(), "postvarta-import-"));
  const data = path.join(directory, "data");
  const cache = path.join(directory, "cache");
  const options: ImportOptions = {
    ...{ directory: data, now: Date.parse("2026-11-01T00:00:00Z"), dryRun: false, force: false, asOf: undefined },
  };
  const file = (name: string, content: string | Buffer) => {
    const at = path.join(directory, name);
    writeFileSync(at, content);
    return at;
  };
  const rows = Array.from({ length: 10 }, (_, i) => `8.8.${i}.0,8.8.${i}.255,64500,Own`).join("\n");
  let opened: OpenedNetworks;
  before(async () => {
    opened = await openNetworks({ directory: data }, cache);
  });
  after(() => rmSync(directory, { recursive: true }));

  test("case 14: a newer file holds from the next refresh on, and look-ups never lack an answer", async () => {
    assert.equal(opened.book.find("8.8.8.8")?.asn, 15169);
    const found = await importNetworks(file("own.csv.gz", gzipSync(rows)), { ...options, asOf: "2026-10-30" });
    assert.deepEqual(found, [{ kind: "systems", ranges: 10, form: "csv", asOf: "2026-10-30" }]);
    assert.equal(opened.book.find("8.8.8.8")?.asn, 15169);
    assert.equal(await opened.refresh(), true);
    assert.deepEqual([opened.book.find("8.8.8.8")?.asn, opened.book.nameOf(64500)], [64500, "Own"]);
    assert.equal(await opened.refresh(), false);
    const { systems } = opened.statusAt(Date.parse("2026-11-01"));
    assert.deepEqual([systems.source, systems.asOf, systems.ageDays], ["own.csv.gz", "2026-10-30", 2]);
  });

  test("the MMDB that ships can be imported too; the country stays what it was", async () => {
    const manifest = createRequire(import.meta.url).resolve("@ip-location-db/geo-whois-asn-country-mmdb/package.json");
    const mmdb = path.join(path.dirname(manifest), "geo-whois-asn-country.mmdb");
    const [result] = await importNetworks(mmdb, options);
    assert.deepEqual([result?.kind, result?.form], ["countries", "mmdb"]);
    await opened.refresh();
    assert.equal(opened.book.find("176.8.20.1")?.country, "UA");
  });

  test("case 14: a dry run, a damaged file and one that was cut off change nothing", async () => {
    const before = readdirSync(data);
    await importNetworks(file("dry.csv", rows.replaceAll("64500", "64501")), { ...options, dryRun: true });
    const cut = file("cut.csv", rows.split("\n").slice(0, 4).join("\n"));
    await assert.rejects(importNetworks(cut, options), (error: Problem) => /4 ranges .* 10/.test(error.message));
    const damaged = file(
      "bad.mmdb",
      Buffer.concat([Buffer.alloc(4_096, 1), Buffer.from("\xab\xcd\xefMaxMind.com", "latin1")]),
    );
    await assert.rejects(importNetworks(damaged, options), (error: unknown) => error instanceof Problem);
    await assert.rejects(
      importNetworks(path.join(directory, "none"), options),
      (error: Problem) => error.code === "input/unreadable",
    );
    assert.deepEqual(readdirSync(data), before);
    const first = { ...options, directory: path.join(directory, "first"), shippedRanges: 100 };
    await assert.rejects(importNetworks(cut, first), (error: Problem) => /4 ranges .* 100/.test(error.message));
    await importNetworks(cut, { ...options, force: true });
    assert.equal(readdirSync(data).length, before.length, "the file before is gone");
  });

  test("what was damaged afterwards is told, and what ships stands in for it", async () => {
    for (const name of readdirSync(data)) if (name.startsWith("systems-")) writeFileSync(path.join(data, name), "gone");
    const again = await openNetworks({ directory: data }, cache);
    assert.equal(again.book.find("8.8.8.8")?.asn, 15169);
    assert.match(again.statusAt(0).troubles.join(), /damaged: import cut\.csv again/);
  });

  test("an operator's lists and networks stand over both", async () => {
    const own = await openNetworks(
      { hosting: [15895], access: [24940], overrides: [override("176.8.20.0/24")] },
      cache,
    );
    assert.equal(own.book.find("176.8.21.1")?.kind, "hosting");
    assert.deepEqual([own.book.find("176.8.20.1")?.country, own.book.find("176.8.20.1")?.kind], ["PL", "access"]);
    assert.equal(own.book.find("88.198.1.1")?.kind, "access");
  });
});

function override(text: string) {
  const network = parseNetwork(text);
  assert.ok(network !== undefined);
  return { network, country: "PL", kind: "access" } as const;
}
