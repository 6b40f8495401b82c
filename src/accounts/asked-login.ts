// The login in a question of Postfix.

import { printIp } from "../core/ip.ts";
import type { AskedLogin } from "./judge.ts";

/** What of a question tells who logged in from where. */
export interface AskedQuestion {
  readonly login: string;
  readonly client: Parameters<typeof printIp>[0] | undefined;
  /** name=value lines. */
  readonly raw: string;
}

export function askedLogin({ login, client, raw }: AskedQuestion, at: number): AskedLogin {
  const method = /^sasl_method=(.{1,32})$/m.exec(raw)?.[1] ?? null;
  return { at, user: login, ip: client === undefined ? null : printIp(client), method, by: "asked", failed: false };
}
