// What an action of a Fail2ban configuration is asked to do. Apart from the checked forms of `action.ts`: who only reads lines needs no more.

const ofJail = ["start", "stop", "flush", "check", "repair", "reload"] as const;
/** Operations about one address. */
export const operationsOfAddress = ["ban", "prolong", "reban", "unban"] as const;
export const actionOperations = [...ofJail, ...operationsOfAddress] as const;
export type ActionOperation = (typeof actionOperations)[number];

export type ActionFamily = "inet4" | "inet6";

/** Operations that keep somebody away. */
export const keepsAway: ReadonlySet<ActionOperation> = new Set(["ban", "prolong", "reban"]);
