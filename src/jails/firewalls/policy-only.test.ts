import { testEnforced } from "../../../tests/contracts/enforced.ts";
import { PolicyOnlyFirewall } from "./policy-only.ts";

testEnforced({
  name: "policy-only",
  create: async (place = "") => ({ firewall: new PolicyOnlyFirewall(), place }),
  keeps: false,
});
