// No firewall: our own answers to Postfix refuse what is banned (policy/checks/banned). Needs no rights.

import type { Block, CutReport, Firewall } from "../../core/firewall.ts";

/** Nothing to be made equal: the policy service reads the same rows. */
export class PolicyOnlyFirewall implements Firewall {
  readonly name = "policy-only";
  readonly forgets = false;
  readonly grain = "ports";

  async open(): Promise<void> {}

  async apply(): Promise<readonly Block[]> {
    return [];
  }

  async readBack(): Promise<undefined> {
    return undefined;
  }

  async cut(): Promise<CutReport> {
    return { cut: 0, left: 0 };
  }

  async flush(): Promise<void> {}
  onForeignChange(): void {}
  async [Symbol.asyncDispose](): Promise<void> {}
}
