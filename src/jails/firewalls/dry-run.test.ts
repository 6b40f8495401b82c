import { testEnforced } from "../../../tests/contracts/enforced.ts";
import { type FirewallUnderTest, testFirewall } from "../../../tests/contracts/firewall.ts";
import { silentLog } from "../../core/log.ts";
import { DryRunFirewall } from "./dry-run.ts";

const kind: FirewallUnderTest = {
  name: "dry-run",
  create: async (place = "") => ({ firewall: new DryRunFirewall(silentLog), place }),
  keeps: false,
};
testFirewall(kind);
testEnforced(kind);
