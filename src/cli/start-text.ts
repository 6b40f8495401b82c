// What `run` says on stdout once it is ready, for a person who starts it by hand: where it answers, and what Postfix needs.

export interface StartFacts {
  /** `address:port`, or the path of a socket. */
  readonly policyAddresses: readonly string[];
  readonly apiAddress: string;
  readonly controlSocket: string;
  readonly mode: "enforce" | "observe";
}

export function startText(facts: StartFacts): string {
  const [first = ""] = facts.policyAddresses;
  const call = `check_policy_service { ${endpointOf(first)}, timeout=3s, default_action=DUNNO }`;
  return `Postvarta is ready.
  Postfix asks at   ${facts.policyAddresses.join(", ")}
  metrics, health   http://${facts.apiAddress}/metrics, /healthz, /readyz
  control socket    ${facts.controlSocket}
  mode              ${modeText[facts.mode]}

For Postfix's main.cf, the call first in each list (postvarta doctor says what your own lists need):
  smtpd_recipient_restrictions =
      ${call},
      permit_mynetworks, permit_sasl_authenticated, reject_unauth_destination
  smtpd_end_of_data_restrictions =
      ${call}

`;
}

const modeText = {
  enforce: "enforce: rules act",
  observe: "observe: everything is recorded, nothing is refused",
} as const;

function endpointOf(address: string): string {
  return address.startsWith("/") ? `unix:${address}` : `inet:${address}`;
}
