// What the member language means once it is read: plain data, made by parse.ts, compiled by compile.ts.

import type { Network } from "../../core/ip.ts";

/** Where an expression stands: it decides which tests may be written there. */
export type Side = "source" | "destination" | "group";

/** All items must hold. `never` is cluebringer's dead member, the empty string. */
export type Expression =
  | { readonly kind: "always" }
  | { readonly kind: "never" }
  | { readonly kind: "all"; readonly items: readonly Item[] };

/** One item between commas, as written (without the blanks around it) and as read. */
export interface Item {
  readonly text: string;
  readonly negated: boolean;
  readonly pattern: Pattern;
}

/**
 * One question about a request. Texts are lower case except group names and context labels; domains and hosts are
 * in A-label form (RFC 5890) where every character allows it. Only `*` is a wildcard: any characters, also none.
 */
export type Pattern =
  | { readonly kind: "group"; readonly name: string }
  | { readonly kind: "client" | "peer"; readonly network: Network }
  | { readonly kind: "login"; readonly glob: string }
  | { readonly kind: "any-login" | "no-login" | "null-sender" }
  | { readonly kind: "address"; readonly local: string; readonly domain: string }
  | { readonly kind: "name" | "ptr"; readonly glob: string }
  | { readonly kind: "port"; readonly from: number; readonly to: number }
  | { readonly kind: "context"; readonly label: string }
  | { readonly kind: "tls"; readonly on: boolean };
