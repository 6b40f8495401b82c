// kill -9 while lines come: a failure is counted once, whenever we die, and what is banned is what an undisturbed run bans.

import assert from "node:assert/strict";
import { test } from "node:test";
import { JailDaemon, refused } from "./jail-daemon.ts";

const kills = process.env["POSTVARTA_FULL"] === "1" ? 60 : 4;
const addressesPerKill = 60;

test(`fault 1: ${kills} kills while lines come, and the bans are those of an undisturbed run`, {
  timeout: 600_000,
}, async () => {
  await using house = await JailDaemon.start({
    jails: `mode = "enforce"\n[jails.wrong_password]\nsubnets = false\n[jails.spraying]\nenabled = false\n`,
  });
  const expected: string[] = [];
  let next = 0;
  for (let kill = 0; kill < kills; kill++) {
    for (let i = 0; i < addressesPerKill; i++) {
      const ip = `10.${next >> 8}.${next & 255}.9`;
      // One failure less than a ban is none, however often we die in between.
      const failures = next % 3 === 0 ? 3 : 4;
      if (failures === 4) expected.push(`${ip} wrong-password`);
      for (let n = 0; n < failures; n++) house.write(refused(ip, `u${n}@example.org`));
      if (i === 15 + ((kill * 7) % 30)) {
        await new Promise((resolve) => setTimeout(resolve, (kill * 13) % 50));
        await house.daemon.kill("SIGKILL");
      }
      next++;
    }
    await house.daemon.run();
  }
  await house.settle();
  assert.deepEqual(house.others.toSorted(), expected.toSorted());
});
