// A restriction list of Postfix: reading it with macros and classes expanded, and writing it again with our call where it belongs.
import { isOurs, type OurSide, type PolicyCall, parsePolicyCall } from "./endpoint.ts";
import { expandMacros, type Lookup, macroName, splitWords } from "./macro.ts";

/** One restriction with its argument. */
export interface Step {
  readonly name: string;
  readonly argument: string | undefined;
  /** warn_if_reject stands before it: its refusals are only logged. */
  readonly warnOnly: boolean;
  /** Set when it asks us. */
  readonly call: PolicyCall | undefined;
}

/** What reading a list needs to know of its surroundings. */
export interface ListContext {
  readonly lookup: Lookup;
  readonly ours: OurSide;
  readonly queueDirectory: string;
}

/** Classes within classes deeper than this are not followed. */
const depthMax = 10;

/** Restrictions with one argument (postconf(5), smtpd_*_restrictions). */
const withArgument =
  /^(check_policy_service|check_\w+_access|reject_r(bl|hsbl)_\w+|permit_(dnswl|rhswl)_client|sleep)$/;

/** The restrictions of a list in the order of asking, `$name` and classes replaced by what they hold. */
export function readList(raw: string, context: ListContext, depth = 0): readonly Step[] {
  const steps = splitSteps(expandMacros(raw, context.lookup), context);
  if (depth >= depthMax) return steps;
  const classes = classesOf(context);
  return steps.flatMap((step) => {
    if (!classes.has(step.name)) return [step];
    const inner = readList(context.lookup(step.name) ?? "", context, depth + 1);
    return step.warnOnly ? inner.map((one) => ({ ...one, warnOnly: true })) : inner;
  });
}

/**
 * The list with every call of ours replaced by what `write` makes of it (undefined: dropped), asked in readList's order. `$name` and classes stay
 * as they are written, except those that hold a call of ours: their content takes their place.
 */
export function rewriteList(
  raw: string,
  context: ListContext,
  write: (call: PolicyCall) => string | undefined,
  depth = 0,
): readonly string[] {
  return splitSteps(raw, context).flatMap((step) => {
    if (step.call !== undefined) return write(step.call) ?? [];
    const inner = depth < depthMax ? contentOf(step, context) : undefined;
    if (inner === undefined || !asksUs(inner, context)) return printStep(step);
    if (macroName(step.name) !== undefined) return rewriteList(warned(step, inner), context, write, depth + 1);
    // warn_if_reject before a class holds for all that is in it, macros included, so there nothing stays abbreviated.
    return step.warnOnly ? writeFlat(step, context, write) : rewriteList(inner, context, write, depth + 1);
  });
}

function writeFlat(
  step: Step,
  context: ListContext,
  write: (call: PolicyCall) => string | undefined,
): readonly string[] {
  return readList(printStep(step), context).flatMap((one) =>
    one.call === undefined ? printStep(one) : (write(one.call) ?? []),
  );
}

/** A macro is expanded before the list is split: warn_if_reject holds for its first restriction only. */
function warned(step: Step, content: string): string {
  return step.warnOnly ? `warn_if_reject ${content}` : content;
}

export function asksUs(raw: string, context: ListContext): boolean {
  return readList(raw, context).some((step) => step.call !== undefined);
}

/**
 * True for what ends a list before the restrictions behind it are reached by everybody: `permit…`, `reject`, `defer`.
 * Refusals under a condition do not: what they let through still reaches us. warn_if_reject disarms refusals only.
 */
export function isBarrier(step: Step): boolean {
  return /^permit(_\w+)?$/.test(step.name) || (!step.warnOnly && /^(reject|defer)$/.test(step.name));
}

function splitSteps(text: string, context: ListContext): readonly Step[] {
  const words = splitWords(text);
  const steps: Step[] = [];
  let warnOnly = false;
  for (let at = 0; at < words.length; at++) {
    const name = words[at] ?? "";
    if (name === "warn_if_reject") {
      warnOnly = true;
      continue;
    }
    const argument = withArgument.test(name) ? words[++at] : undefined;
    steps.push({ name, argument, warnOnly, call: ourCall(name, argument, context) });
    warnOnly = false;
  }
  return steps;
}

function ourCall(name: string, argument: string | undefined, context: ListContext): PolicyCall | undefined {
  if (name !== "check_policy_service" || argument === undefined) return undefined;
  const call = parsePolicyCall(expandMacros(argument, context.lookup));
  return isOurs(call.endpoint, context.ours, context.queueDirectory) ? call : undefined;
}

/** What a `$name` or class stands for, undefined for any other restriction. */
function contentOf(step: Step, context: ListContext): string | undefined {
  const macro = macroName(step.name);
  if (macro !== undefined) return context.lookup(macro);
  if (step.name.includes("$")) return expandMacros(step.name, context.lookup);
  return classesOf(context).has(step.name) ? context.lookup(step.name) : undefined;
}

function classesOf(context: ListContext): ReadonlySet<string> {
  return new Set(splitWords(expandMacros(context.lookup("smtpd_restriction_classes") ?? "", context.lookup)));
}

function printStep(step: Step): string {
  const words = [step.warnOnly ? "warn_if_reject" : undefined, step.name, step.argument];
  return words.filter((word) => word !== undefined).join(" ");
}
