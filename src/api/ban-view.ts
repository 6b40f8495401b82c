// A standing ban as the API shows it.

import type { Ban } from "../core/ban.ts";
import { printNetwork } from "../core/ip.ts";
import { printPorts } from "../core/port-list.ts";
import type { BanAnswer } from "./contract-bans.ts";
import { isoTime } from "./trail-view.ts";

export function banView(ban: Ban, verified: boolean): BanAnswer {
  return {
    address: printNetwork(ban.address),
    jail: ban.jail,
    from: isoTime(ban.from),
    until: ban.until === undefined ? null : isoTime(ban.until),
    reason: ban.reason,
    origin: ban.origin,
    verified,
    enforce: ban.enforce,
    ports: ban.ports === undefined ? null : printPorts(ban.ports),
    count: ban.count,
    node: ban.node,
  };
}
