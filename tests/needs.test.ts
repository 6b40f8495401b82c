import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";

/** What a test file would see on a machine without nft. */
function askedForNft(environment: Readonly<Record<string, string>>) {
  const module = new URL("./needs.ts", import.meta.url).href;
  const script = `import { needs } from ${JSON.stringify(module)}; console.log(needs("nft"));`;
  const words = ["--input-type=module", "-e", script];
  return spawnSync(process.execPath, words, { encoding: "utf8", env: { PATH: "/nowhere", ...environment } });
}

test("a missing program is a loud skip with its reason", () => {
  const { status, stdout, stderr } = askedForNft({});
  assert.equal(stdout, "needs nft (apt-get install nftables)\n");
  assert.match(stderr, /SKIPPED: needs nft/);
  assert.equal(status, 0);
});

test("with CI=true it is a failure", () => {
  const { status, stderr } = askedForNft({ CI: "true" });
  assert.match(stderr, /CI=true and a test cannot run: needs nft/);
  assert.notEqual(status, 0);
});
