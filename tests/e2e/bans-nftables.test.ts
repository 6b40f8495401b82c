import { needs } from "../needs.ts";
import { testKernelBans } from "./kernel-bans.ts";

testKernelBans({
  firewall: "nftables",
  skip: needs("root", "netns", "nft"),
  wipe: (rig) => void rig.run("host", "nft", "flush", "ruleset"),
  left: (rig) => rig.run("host", "nft", "list", "ruleset").trim(),
});
