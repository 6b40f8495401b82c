import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Accounts, parseAliases } from "./account.ts";

const aliases = [
  { alias: "Bob", account: "robert" },
  { alias: "rob@example.com", account: "bob" },
  { alias: "info@other.example", account: "ann@other.example" },
  { alias: "ring", account: "rang" },
  { alias: "rang", account: "ring" },
  { alias: "self", account: "SELF" },
  { alias: "other", account: "self" },
];
const accounts = new Accounts({ defaultDomain: "Example.COM", aliases });
const bare = new Accounts({ defaultDomain: "", aliases });

for (const [login, account, bareAccount] of [
  ["ann", "ann@example.com", "ann"],
  ["ANN@Example.Com", "ann@example.com", "ann@example.com"],
  ["BOB", "robert@example.com", "robert"],
  ["bob@example.com", "robert@example.com", "bob@example.com"],
  ["rob", "robert@example.com", "rob"],
  ["rob@example.com", "robert@example.com", "robert"],
  ["Info@Other.example", "ann@other.example", "ann@other.example"],
  ["ring", "ring@example.com", "ring"],
  ["self", "self@example.com", "self"],
  ["other", "self@example.com", "self"],
  ["", "", ""],
  [" Ann\t", "ann@example.com", "ann"],
  ["bob@example.com ", "robert@example.com", "bob@example.com"],
  ["  ", "@example.com", "  "],
  ["__proto__", "__proto__@example.com", "__proto__"],
] as const) {
  test(`the login ${JSON.stringify(login)} is the account ${JSON.stringify(account)}`, () => {
    assert.equal(accounts.canonical(login), account);
    assert.equal(bare.canonical(login), bareAccount);
  });
}

test("naming an account again changes nothing", () => {
  const logins = fc.oneof(fc.string(), fc.constantFrom(...aliases.flatMap(({ alias, account }) => [alias, account])));
  fc.assert(
    fc.property(logins, (login) => {
      assert.equal(accounts.canonical(accounts.canonical(login)), accounts.canonical(login));
      assert.equal(accounts.canonical(login), accounts.canonical(login.toLowerCase()));
    }),
  );
});

test("an aliases file gives its pairs and the place of each mistake", () => {
  const { aliases: pairs, problems } = parseAliases(
    "# people\n\nbob robert\r\nrob\trobert\nlonely\na b c\nBOB ann\n",
    "aliases",
  );
  assert.deepEqual(pairs, [
    { alias: "bob", account: "robert" },
    { alias: "rob", account: "robert" },
  ]);
  assert.deepEqual(
    problems.map(({ line }) => line),
    [
      "aliases:5: an alias line has 1 words: alias account",
      "aliases:6: an alias line has 3 words: alias account",
      "aliases:7: alias BOB stands on line 3 too: one account for an alias",
    ],
  );
});

test("a file of another kind is told with its first lines", () => {
  assert.equal(parseAliases("x\n".repeat(100_000), "aliases").problems.length, 20);
});
