import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { parseIp, printIp } from "../../core/ip.ts";
import { parseRdapAnswer } from "./rdap-answer.ts";
import { isDenied, parseWhoisAnswer, referralIn } from "./whois-answer.ts";

const ipOf = (text: string) => parseIp(text) ?? assert.fail(text);

type Told = readonly [range: string, name: string, organisation: string, country: string, origins: readonly number[]];

const answers: readonly (readonly [name: string, ip: string, text: string, told: Told])[] = [
  [
    "RIPE: the block, and the origin of its route",
    "192.0.2.9",
    "% This is a test\n\ninetnum:        192.0.2.0 - 192.0.2.127\nnetname:        KALYNA-POOL\ncountry:        UA\nsource:         TEST # Filtered\n\nroute:          192.0.2.0/24\norigin:         AS64500\nsource: TEST\n",
    ["192.0.2.0-192.0.2.127", "KALYNA-POOL", "", "UA", [64500]],
  ],
  [
    "AFRINIC and RIPE: of two blocks the narrower",
    "192.0.2.9",
    "inetnum: 192.0.0.0 - 192.0.255.255\nnetname: WIDE\ncountry: ZA\n\ninetnum: 192.0.2.0 - 192.0.2.255\nnetname: NARROW\ncountry: NG\n",
    ["192.0.2.0-192.0.2.255", "NARROW", "", "NG", []],
  ],
  [
    "RIPE for IPv6",
    "2001:db8:7::1",
    "inet6num: 2001:db8::/32\nnetname: SIX-NET\ncountry: PL\n\nroute6: 2001:db8::/32\norigin: as64501\n",
    ["2001:db8::-2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", "SIX-NET", "", "PL", [64501]],
  ],
  [
    "APNIC with a national registry's object behind it",
    "198.51.100.7",
    "inetnum:        198.51.100.0 - 198.51.100.255\nnetname:        HANGANG-NET\ndescr:          Hangang Broadband\ncountry:        KR\n\n% another\n\ninetnum:        198.51.100.0 - 198.51.100.127\nnetname:        HANGANG-CUSTOMER\ncountry:        KR\nsource:         KRNIC\n",
    ["198.51.100.0-198.51.100.127", "HANGANG-CUSTOMER", "", "KR", []],
  ],
  [
    "ARIN with two results",
    "203.0.113.5",
    "# start\n\nNetRange:       203.0.112.0 - 203.0.115.255\nCIDR:           203.0.112.0/22\nNetName:        STEPPE\nOriginAS:       \nOrgName:        Steppe Cable\nCountry:        US\n\n# end\n\n\n# start\n\nNetRange:       203.0.113.0 - 203.0.113.63\nCIDR:           203.0.113.0/26\nNetName:        STEPPE-7\nOriginAS:       AS64501\nCustName: x\n\n# end\n",
    ["203.0.113.0-203.0.113.63", "STEPPE-7", "", "", [64501]],
  ],
  [
    "LACNIC: a short prefix, N/A, and the owner's id for a name",
    "192.0.2.40",
    "inetnum:     192.0.2/24\nstatus:      assigned\naut-num:     N/A\nowner:       Rede Azul Ltda\nownerid:     BR-REAZ-LACNIC\ncountry:     BR\n",
    ["192.0.2.0-192.0.2.255", "BR-REAZ-LACNIC", "Rede Azul Ltda", "BR", []],
  ],
  [
    "JPNIC with bracketed labels",
    "203.0.113.20",
    "Network Information:\na. [Network Number]             203.0.113.0/24\nb. [Network Name]               TSUBAKI-EX\ng. [Organization]               Tsubaki K.K.\n[Last Update]                   2026/01/05 10:00:00(JST)\n",
    ["203.0.113.0-203.0.113.255", "TSUBAKI-EX", "Tsubaki K.K.", "", []],
  ],
  [
    "KRNIC: Korean and English, of two blocks the customer's",
    "198.51.100.9",
    "# KOREAN\nIPv4 주소 : x\n# ENGLISH\n\nIPv4 Address       : 198.51.100.0 - 198.51.100.255 (/24)\nOrganization Name  : Mugung Broadband\nService Name       : MUGUNG\n\n-------------------------------------\n\nIPv4 Address       : 198.51.100.0 - 198.51.100.127 (/25)\nOrganization Name  : Customer Co\nNetwork Type       : CUSTOMER\n",
    ["198.51.100.0-198.51.100.127", "", "Customer Co", "", []],
  ],
  [
    "rwhois",
    "203.0.113.9",
    "network:IP-Network:203.0.113.0/26\nnetwork:Network-Name:STEPPE-R\nnetwork:Org-Name:Steppe\n",
    ["203.0.113.0-203.0.113.63", "STEPPE-R", "Steppe", "", []],
  ],
];

describe("whois answers", () => {
  for (const [name, ip, text, told] of answers) {
    test(`case 18: ${name}`, () => {
      const found = parseWhoisAnswer(text.replaceAll("\n", "\r\n"), ipOf(ip), "test") ?? assert.fail("nothing found");
      const range = `${printIp(found.first)}-${printIp(found.last)}`;
      assert.deepEqual([range, found.name, found.organisation, found.country, found.origins], told);
    });
  }

  const useless = [
    "",
    "inetnum: 10.0.0.0 - 10.255.255.255\nnetname: OTHER\n",
    "inetnum: 192.0.2.255 - 192.0.2.0\nnetname: BACK\n",
    `inetnum: ${"9".repeat(100_000)}\n`,
    "netname: NO-RANGE\n".repeat(10_000),
    "\0\xff\xfe",
  ];
  test("what is not about the address says nothing, whatever it holds", () => {
    for (const text of useless) assert.equal(parseWhoisAnswer(text, ipOf("192.0.2.1"), "test"), undefined);
  });

  test("hostile names are cut and made printable", () => {
    const text = `inetnum: 192.0.2.0/24\nnetname: \x1b[2J${"x".repeat(9_000)}\ncountry: <script>\n`;
    const found = parseWhoisAnswer(text, ipOf("192.0.2.1"), "test");
    assert.equal(found?.name.length, 120);
    assert.doesNotMatch(found?.name ?? "\x1b", /\p{Cc}/u);
    assert.equal(found?.country, "");
  });

  test("referrals of IANA and ARIN are read; a URL of another kind is none", () => {
    assert.equal(referralIn("refer:        whois.ripe.net\n\ninetnum: x\n"), "whois.ripe.net");
    assert.equal(referralIn("ReferralServer:  whois://whois.apnic.net\n"), "whois.apnic.net");
    assert.equal(referralIn("ReferralServer: rwhois://evil.example:4321\n"), undefined);
    assert.equal(referralIn("remarks: refer: whois.ripe.net"), undefined);
  });

  test("a registry that has enough of us is heard", () => {
    assert.ok(isDenied("%ERROR:201: access denied for 192.0.2.1\n"));
    assert.ok(isDenied("% Query rate limit exceeded. Reduced information.\n"));
    assert.ok(!isDenied("inetnum: 192.0.2.0/24\n"));
  });
});

describe("RDAP answers", () => {
  const whole = {
    ...{ startAddress: "192.0.2.0", endAddress: "192.0.2.255", name: "KALYNA", country: "UA" },
    entities: [
      { roles: ["abuse"] },
      { roles: ["registrant"], vcardArray: ["vcard", [["fn", {}, "text", "Kalyna LLC"]]] },
    ],
    arin_originas0_originautnums: [64500, "x"],
  };

  test("range, name, organisation, country, origins", () => {
    const found = parseRdapAnswer(whole, ipOf("192.0.2.7"), "test");
    assert.deepEqual(
      [found?.name, found?.organisation, found?.country, found?.origins],
      ["KALYNA", "Kalyna LLC", "UA", [64500]],
    );
  });

  test("another form is nothing", () => {
    const odd: readonly unknown[] = [
      null,
      [],
      "x",
      {},
      { ...whole, endAddress: "x" },
      { ...whole, startAddress: "192.0.3.0" },
      { ...whole, endAddress: "::1" },
    ];
    for (const json of odd) assert.equal(parseRdapAnswer(json, ipOf("192.0.2.7"), "test"), undefined);
    assert.ok(parseRdapAnswer({ ...whole, entities: { roles: 1 }, name: 5 }, ipOf("192.0.2.7"), "test") !== undefined);
  });
});
