// What of the policies file's language this version carries out. The rest is known, and refused by name: opening a part
// is one edit here, beside the code that does it.

export const built: {
  /** Rule tables of a policy. */
  readonly sections: readonly string[];
  /** What a stage of a quota may do. */
  readonly stageActions: readonly string[];
} = {
  sections: ["access", "quotas", "accounting"],
  stageActions: ["notify"],
};

/** The message and the mend of a refusal rules/not-built. */
export function notBuilt(what: string, available: readonly string[]): { message: string; hint: string } {
  return { message: `${what} is not available in this version`, hint: `available: ${available.join(", ")}` };
}
