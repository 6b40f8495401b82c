// Containing a stolen account, and giving it back: the plan first, the deed only when it is asked for.

import type { z } from "zod";
import { parseDuration } from "../../core/duration.ts";
import { Problem } from "../../core/problem.ts";
import type { ContainStep } from "../../store/containments.ts";
import { authorOf } from "../claimed-by.ts";
import { containRequest, releaseRequest, type StepShown, type StepsAnswer, stepsAnswer } from "../contract-accounts.ts";
import type { ApiParts } from "../parts.ts";
import { route } from "../route.ts";
import { resetQuotas } from "./quotas.ts";

const probationMsMax = 365 * 86_400_000;

export const containmentRoutes = [
  route({
    method: "POST",
    path: "/accounts/contain",
    help: "Freezes an account, holds its queued messages, ends its sessions, bans the unfamiliar addresses and tells people; first the plan.",
    input: containRequest,
    answer: stepsAnswer,
    run: contain,
  }),
  route({
    method: "POST",
    path: "/accounts/release",
    help: "Gives a contained account back, once its password was changed; first the plan.",
    input: releaseRequest,
    answer: stepsAnswer,
    run: release,
  }),
];

async function contain(parts: ApiParts, request: z.output<typeof containRequest>): Promise<StepsAnswer> {
  const account = parts.canonical(request.account);
  const order = { account, reason: request.reason, skip: request.skip };
  if (!request.act) return { account, acted: false, steps: shown(await parts.containment.plan(order)) };
  const author = authorOf(request.by, parts.clock.now());
  return { account, acted: true, steps: shown(await parts.containment.contain(order, author)) };
}

async function release(parts: ApiParts, request: z.output<typeof releaseRequest>): Promise<StepsAnswer> {
  const account = parts.canonical(request.account);
  const probationMs = parseDuration(request.probation);
  if (probationMs === undefined || probationMs > probationMsMax) {
    const hint = "a duration of at most a year, such as 7d; 0s for none";
    throw new Problem("not a duration", { code: "api/bad-request", where: "probation", hint });
  }
  const order = { account, held: request.held, probationMs };
  if (!request.act) return { account, acted: false, steps: shown(await parts.containment.planRelease(order)) };
  if (!request.password_changed) throw passwordFirst(account);
  const author = authorOf(request.by, parts.clock.now());
  const counters = () => forgetCounted(parts, account, request.by);
  const steps = await parts.containment.release({ ...order, resetQuotas: counters }, author);
  return { account, acted: true, steps: shown(steps) };
}

/** An account for which nothing was counted is no mistake here. */
async function forgetCounted(parts: ApiParts, key: string, by: string): Promise<number> {
  try {
    return (await resetQuotas(parts, { key, dry_run: false, by })).quotas.length;
  } catch (error) {
    if (error instanceof Problem && error.code === "quota/unknown-key") return 0;
    throw error;
  }
}

/** Whoever knows the old password would go on as before. */
function passwordFirst(account: string): Problem {
  const hint = "change it where your accounts live, then say so with --password-changed";
  return new Problem("the password must be changed first", { code: "accounts/password", where: account, hint });
}

function shown(steps: readonly ContainStep[]): StepShown[] {
  return steps.map((step) => ({ ...step, step: step.step as StepShown["step"] }));
}
