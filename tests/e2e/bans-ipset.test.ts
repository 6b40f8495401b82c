import { needs } from "../needs.ts";
import { testKernelBans } from "./kernel-bans.ts";

testKernelBans({
  firewall: "ipset",
  skip: needs("root", "netns", "ipset"),
  wipe: (rig) => {
    rig.run("host", "ipset", "flush");
    rig.run("host", "iptables", "-t", "mangle", "-F");
  },
  left: (rig) =>
    rig.run("host", "ipset", "list", "-name") + rig.run("host", "sh", "-c", "iptables-save | grep postvarta || true"),
});
