// kill -9 somewhere between a line, its row and the kernel: after the next start the kernel holds what the rows say, no more and no less.

import { test } from "node:test";
import { needs } from "../needs.ts";
import { NetRig } from "../net-rig.ts";
import { until } from "../until.ts";
import { JailDaemon, refused } from "./jail-daemon.ts";

const kills = process.env["POSTVARTA_FULL"] === "1" ? 50 : 4;
const bansPerKill = 12;
const addressOf = (n: number) => `10.${n & 255}.${n >> 8}.9`;

test(`fault 18: ${kills} deaths between row and kernel, and each start makes them equal`, {
  skip: needs("root", "netns", "nft"),
  timeout: 900_000,
}, async () => {
  using rig = new NetRig();
  await using house = await JailDaemon.start({
    jails:
      'mode = "enforce"\nfirewall = "nftables"\n[jails.wrong_password]\nsubnets = false\n[jails.spraying]\nenabled = false\n',
    sections: "[postfix]\nconfig_directories = []\n",
    wrap: rig.prefix,
  });
  const rows = () => house.banned.map((row) => row.split(" ")[0] ?? "");
  const held = () =>
    [...rig.run("host", "nft", "list", "ruleset").matchAll(/([\d.]+) timeout /g)].map((one) => one[1] ?? "");
  let next = 0;
  for (let kill = 0; kill < kills; kill++) {
    for (let n = 0; n < bansPerKill; n++, next++) {
      const ip = addressOf(next);
      house.write(...Array.from({ length: 4 }, () => refused(ip, "somebody@example.org")));
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await new Promise((resolve) => setTimeout(resolve, (kill * 37) % 200));
    await house.daemon.kill("SIGKILL");
    // What is taken away while nobody runs must leave the kernel too.
    const gone = addressOf(kill * bansPerKill + (kill % bansPerKill));
    await house.daemon.command("unban", gone);
    await house.daemon.run();
    await until("rows and kernel are equal", () => {
      const wanted = new Set(rows());
      return wanted.size > 0 && wanted.symmetricDifference(new Set(held())).size === 0;
    });
  }
  await house.settle();
  await until("all that failed is banned", () => rows().length >= kills * (bansPerKill - 1));
});
