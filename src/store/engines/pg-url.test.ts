import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { Problem } from "../../core/problem.ts";
import { parsePgUrl } from "./pg-url.ts";

const folder = mkdtempSync(join(tmpdir(), "postvarta-url-"));
after(() => rmSync(folder, { recursive: true }));
const ca = join(folder, "ca.pem");
writeFileSync(ca, "CA");

const read = (url: string) => {
  const { host, port, database, user, password, location } = parsePgUrl(url, undefined);
  return [host, port, database, user, password, location];
};

for (const [url, ...expected] of [
  ["postgres://u:p@db.example/s", "db.example", 5432, "s", "u", "p", "postgres://db.example/s"],
  ["postgresql://u@[2001:db8::1]:5433/s", "2001:db8::1", 5433, "s", "u", undefined, "postgres://[2001:db8::1]:5433/s"],
  ["postgres://u:a%40b%2Fc%3F@h/s", "h", 5432, "s", "u", "a@b/c?", "postgres://h/s"],
  ["postgres://u:a@b@h/s", "h", 5432, "s", "u", "a@b", "postgres://h/s"],
  ["postgres://u:p@/s", "/run/postgresql", 5432, "s", "u", "p", "postgres:///s"],
  ["postgres://u@/s?host=/tmp/x&port=6000", "/tmp/x", 6000, "s", "u", undefined, "postgres:///s"],
  ["postgres://u@%2Ftmp%2Fx/s", "/tmp/x", 5432, "s", "u", undefined, "postgres:///s"],
] as const) {
  test(`${url} is read`, () => assert.deepEqual(read(url), expected));
}

test("sslmode says what is encrypted and what is checked", () => {
  const ssl = (words: string) => parsePgUrl(`postgres://u@h/s${words}`, undefined).ssl;
  assert.equal(ssl(""), false);
  assert.equal(ssl("?sslmode=disable"), false);
  assert.deepEqual(ssl("?sslmode=require"), { rejectUnauthorized: false });
  assert.deepEqual(ssl(`?sslmode=verify-full&sslrootcert=${ca}`), { ca: "CA" });
  const verifyCa = ssl(`?sslmode=verify-ca&sslrootcert=${ca}`);
  assert.ok(verifyCa !== false && verifyCa.ca === "CA" && verifyCa.rejectUnauthorized === undefined);
  assert.equal(parsePgUrl("postgres://u@/s?sslmode=require", undefined).ssl, false);
});

for (const words of ["sslmode=prefer", "sslmode=verify-full&sslrootcert=/nowhere", "application_name=x", "port=0"]) {
  test(`the setting ${words} is refused`, () => {
    assert.throws(
      () => parsePgUrl(`postgres://u:secret@h/s?${words}`, "postvarta.toml:3"),
      (error) => {
        assert.ok(error instanceof Problem);
        assert.deepEqual(
          [error.code, error.where, error.line.includes("secret")],
          ["store/url", "postvarta.toml:3", false],
        );
        return true;
      },
    );
  });
}
