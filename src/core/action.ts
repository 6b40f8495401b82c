// Running what an action of a Fail2ban configuration says: whoever asks names the action and gives values; the text of the command is
// known to whoever runs it, and comes from files alone. In this process, or through the helper.

import * as z from "zod";
import { type ActionFamily, actionOperations, operationsOfAddress } from "./action-operation.ts";
import { type Network, networkOf, parseNetwork, printIp, printNetwork, widthOf } from "./ip.ts";

const name = z
  .string()
  .max(255)
  .regex(/^[^\p{Cc}]*$/u);
const number = z.string().regex(/^-?\d{1,15}$/);
/** As long as the environment of a process takes. */
const text = z.string().max(60_000);

/** Values that are nobody's text but what a log said; what follows from the address is made by whoever runs the command. */
const values = z.strictObject({
  ...{ failures: number, time: number, bantime: number, bancount: number, restored: z.enum(["0", "1"]) },
  ...{ ipfailures: number, ipjailfailures: number },
  ...{ matches: text, ipmatches: text, ipjailmatches: text },
});
export type ActionValues = z.output<typeof values>;

export const actionCall = z
  .strictObject({
    /** Empty: the action of bans that no jail with actions of its own gave. */
    jail: name,
    /** Its name within the jail. */
    action: name,
    operation: z.enum(actionOperations),
    family: z.enum(["inet4", "inet6"]),
    address: z.string().max(64).nullable(),
    values: values.nullable(),
  })
  .superRefine(({ operation, address, values: given, family }, context) => {
    const network = address === null ? undefined : parseNetwork(address);
    const isOfAddress = (operationsOfAddress as readonly string[]).includes(operation);
    const isWhole = isOfAddress
      ? network !== undefined && given !== null && family === familyOf(network)
      : address === null && given === null;
    if (!isWhole) context.addIssue({ code: "custom", message: "the values do not fit the operation" });
  });
export type ActionCall = z.output<typeof actionCall>;

export const actionOutcome = z.object({
  ok: z.boolean(),
  /** It was ended because it took too long. */
  hung: z.boolean(),
  /** The end of what it said, when it failed. */
  said: z.string(),
});
export type ActionOutcome = z.output<typeof actionOutcome>;

/** Rejects when there is no such action, or nobody to run it. */
export type RunAction = (call: ActionCall) => Promise<ActionOutcome>;

export function familyOf({ ip }: Network): ActionFamily {
  return ip.family === 4 ? "inet4" : "inet6";
}

/** The value of a tag of run time, `ip` or `matches`; undefined where there is none. */
export function actionValue({ address, family, values: given }: ActionCall, tag: string): string | undefined {
  if (tag === "family") return family;
  const network = address === null ? undefined : parseNetwork(address);
  if (tag === "ip" || tag === "fid") return network && printNetwork(network);
  if (tag === "ip-rev") return network && reversed(network);
  return given === null ? undefined : (given as Readonly<Record<string, string>>)[tag];
}

/** As a name in the DNS is asked for it, with its dot. */
function reversed({ ip, length }: Network): string {
  if (length !== widthOf(ip)) return "";
  if (ip.family === 4) return `${printIp(ip).split(".").reverse().join(".")}.`;
  const digits = networkOf(ip, 128).ip.words.map((word) => (word >>> 0).toString(16).padStart(8, "0"));
  return `${[...digits.join("")].reverse().join(".")}.`;
}
