// What only a privileged process may do, as the daemon asks for it: a closed list of verbs. The helper checks every value again.

import * as z from "zod";
import { actionCall } from "./action.ts";
import type { Block } from "./firewall.ts";
import { parseNetwork, printNetwork } from "./ip.ts";
import { parsePorts, printPorts } from "./port-list.ts";

/** Blocks in one call; a larger change is cut into several. */
export const blocksPerCall = 10_000;
/** Queue ids in one call. */
export const queueIdsMax = 1_000;
/** A call or an answer on the wire. */
export const messageBytesMax = 4 * 1024 * 1024;

/** A block on the wire: address, ports (empty: all), end (null: none). */
const wireBlock = z.tuple([z.string().max(64), z.string().max(200), z.number().nullable()]);
export type WireBlock = z.output<typeof wireBlock>;
const blocks = z.array(wireBlock).max(blocksPerCall);

/** Postfix's short and long queue ids (postconf(5), enable_long_queue_ids). `ALL` is shorter than any. */
const queueIds = z
  .array(z.string().regex(/^[0-9A-Za-z]{6,30}$/))
  .min(1)
  .max(queueIdsMax);

/** Without the signs that doveadm takes for a pattern or an option. */
const login = z
  .string()
  .max(255)
  .regex(/^[^\p{Cc}\s*?-][^\p{Cc}\s*?]*$/u);

/** Connections in one call. */
export const connectionsMax = 500;

/** A TCP connection by its other end. */
const connection = z.tuple([z.string().max(64), z.int().min(1).max(65_535)]);
export type WireConnection = z.output<typeof connection>;

export const privilegedCall = z.discriminatedUnion("verb", [
  z.strictObject({ verb: z.literal("open") }),
  z.strictObject({ verb: z.literal("apply"), adds: blocks, renewals: blocks, deletes: blocks, now: z.number() }),
  /** Pages: `from` is the number of the first block. The list is read from the firewall when `from` is 0. */
  z.strictObject({ verb: z.literal("list"), from: z.int().min(0), now: z.number() }),
  z.strictObject({ verb: z.literal("cut"), blocks }),
  z.strictObject({ verb: z.literal("flush") }),
  z.strictObject({ verb: z.enum(["hold", "release", "delete"]), queue_ids: queueIds }),
  z.strictObject({ verb: z.literal("kick"), login }),
  /** A command of the helper's own reading of a Fail2ban configuration. */
  z.strictObject({ verb: z.literal("action"), call: actionCall }),
  z.strictObject({ verb: z.literal("hang-up"), connections: z.array(connection).max(connectionsMax) }),
]);
export type PrivilegedCall = z.output<typeof privilegedCall>;

export const listPage = z.object({ blocks, more: z.boolean(), readable: z.boolean() });
export const cutCounts = z.object({ cut: z.int(), left: z.int() });
export const hungUp = z.int();

/** One line each: a call has an id, its answer the same one; id 0 tells that somebody else changed the firewall. */
export const privilegedAnswer = z.object({ id: z.int(), error: z.string().optional(), body: z.unknown().optional() });

export function blockToWire({ address, ports, until }: Block): WireBlock {
  return [printNetwork(address), ports === undefined ? "" : printPorts(ports), until ?? null];
}

/** Throws for what is no block. */
export function blockOfWire([address, ports, until]: WireBlock): Block {
  const network = parseNetwork(address);
  const list = ports === "" ? undefined : parsePorts(ports);
  if (network === undefined || (ports !== "" && list === undefined)) throw new Error(`no block: ${address} ${ports}`);
  return { address: network, ports: list, until: until ?? undefined };
}
