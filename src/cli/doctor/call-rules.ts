// Is the policy call there, reached by everybody, fast to give up, and asked once? For RCPT and for END-OF-MESSAGE.
import {
  actionWanted,
  endpointsOf,
  goodAttributes,
  type OurSide,
  type PolicyCall,
  printPolicyCall,
  reaches,
} from "./endpoint.ts";
import type { Fault } from "./finding.ts";
import { contextOf, type Holder, holderOf, holdersOf, setList } from "./holder.ts";
import { asksUs, isBarrier, type ListContext, readList, rewriteList, type Step } from "./restrictions.ts";
import { entryServices, reinjectionServices } from "./services.ts";
import { type Edit, expandedValue, type PostfixSetup } from "./setup.ts";
import { parseSeconds } from "./time.ts";

export const recipientList = "smtpd_recipient_restrictions";
export const endOfDataList = "smtpd_end_of_data_restrictions";

/** Lists that are worked through at RCPT too (smtpd_delay_reject), so that a call in one of them asks a second time. */
const otherLists = [
  "smtpd_client_restrictions",
  "smtpd_helo_restrictions",
  "smtpd_sender_restrictions",
  "smtpd_relay_restrictions",
];

/** With more, one hanging policy server holds a client for longer than most wait: Postfix tries twice. */
const timeoutSecondsMax = 10;

/** The beginning of Postfix's stock smtpd_policy_service_default_action: nobody chose it. */
const stockAction = "451 4.3.5 Server configuration problem";

/** Faults of our call in one list, all mended by the same edits. */
export function listFaults(setup: PostfixSetup, ours: OurSide, list: string): readonly Fault[] {
  return holdersOf(setup, entryServices(setup), list).flatMap((holder) => {
    const context = contextOf(setup, holder, ours);
    const calls = placesOf(readList(holder.raw, context));
    const found = calls.length === 0 ? [missing(holder)] : callFaults(setup, holder, context, calls);
    if (found.length === 0) return [];
    const edits = mendList(setup, holder, context, calls);
    const services = holder.services.map((service) => service.name);
    return found.map((fault) => ({ ...fault, where: holder.where, services, edits }));
  });
}

/** Calls in other lists: every recipient is asked about once more for each. */
export function otherListFaults(setup: PostfixSetup, ours: OurSide): readonly Fault[] {
  return otherLists.flatMap((list) =>
    holdersOf(setup, entryServices(setup), list).flatMap((holder) => {
      const context = contextOf(setup, holder, ours);
      if (!asksUs(holder.raw, context)) return [];
      return {
        severity: "warn" as const,
        code: "call-repeated",
        where: holder.where,
        services: holder.services.map((service) => service.name),
        what: `${list} calls the policy server too`,
        why: `Postfix asks about every recipient in each list, so one call, in ${recipientList}, is enough.`,
        edits: setList(
          holder,
          rewriteList(holder.raw, context, () => undefined),
        ),
      };
    }),
  );
}

/** Services that take mail back from a content filter and ask about it a second time, now or after the other mends. */
export function reinjectionFaults(setup: PostfixSetup, ours: OurSide): readonly Fault[] {
  return reinjectionServices(setup).flatMap((service) => {
    const lists = [...otherLists, recipientList, "smtpd_data_restrictions", endOfDataList];
    const edits = lists.flatMap((list) => {
      const holder = holderOf(setup, service, list);
      const context = contextOf(setup, holder, ours);
      return asksUs(holder.raw, context)
        ? setList(
            holder,
            rewriteList(holder.raw, context, () => undefined),
          )
        : [];
    });
    if (edits.length === 0) return [];
    return {
      severity: "error" as const,
      code: "call-on-reinjection",
      where: service.name,
      services: [service.name],
      what: "the service that takes mail back from the content filter calls the policy server, by its own or main.cf's lists",
      why: "Every message that passes the filter would be counted twice.",
      edits,
    };
  });
}

/** When a service asks us: "RCPT", "DATA", "END-OF-MESSAGE". */
export function statesAsked(setup: PostfixSetup, ours: OurSide, serviceName: string): readonly string[] {
  const service = setup.services.find((one) => one.name === serviceName);
  if (service === undefined) return [];
  const asks = (list: string) => {
    const holder = holderOf(setup, service, list);
    return asksUs(holder.raw, contextOf(setup, holder, ours));
  };
  const states = [
    [[recipientList, ...otherLists], "RCPT"],
    [["smtpd_data_restrictions"], "DATA"],
    [[endOfDataList], "END-OF-MESSAGE"],
  ] as const;
  return states.filter(([lists]) => lists.some(asks)).map(([, state]) => state);
}

type ListFault = Pick<Fault, "severity" | "code" | "what" | "why">;

/** A call of ours in a list, and what stands before it that not everybody gets past. */
interface Place {
  readonly call: PolicyCall;
  readonly warnOnly: boolean;
  readonly barrier: string | undefined;
}

function placesOf(steps: readonly Step[]): readonly Place[] {
  return steps.flatMap((step, at) => {
    if (step.call === undefined) return [];
    const barrier = steps.slice(0, at).find(isBarrier)?.name;
    return [{ call: step.call, warnOnly: step.warnOnly, barrier }];
  });
}

function missing(holder: Holder): ListFault {
  const atEnd = holder.parameter === endOfDataList;
  return {
    severity: "error",
    code: "call-missing",
    what: `${holder.parameter} does not call the policy server`,
    why: atEnd
      ? "Sizes are never counted, and what an aborted message has charged is given back late."
      : "Mail through these services is not asked about: no quota, no access rule and no freeze works there.",
  };
}

function callFaults(
  setup: PostfixSetup,
  holder: Holder,
  context: ListContext,
  calls: readonly Place[],
): readonly ListFault[] {
  const place = bestPlace(calls);
  const faults = [
    placeFault(holder, place),
    place.warnOnly ? warnOnlyFault(holder) : undefined,
    unreachableFault(holder, context, place.call),
    failureFault(setup, holder, context.ours, place.call),
    calls.length > 1 ? repeatedFault(holder, calls.length) : undefined,
  ];
  return faults.filter((fault) => fault !== undefined);
}

/** The call that works: the first one that everybody reaches, else the first. */
function bestPlace(calls: readonly Place[]): Place {
  const place = calls.find((one) => one.barrier === undefined && !one.warnOnly) ?? calls[0];
  if (place === undefined) throw new RangeError("bestPlace of no call");
  return place;
}

function placeFault(holder: Holder, place: Place): ListFault | undefined {
  if (place.barrier === undefined) return undefined;
  return {
    severity: "error",
    code: "call-after-permit",
    what: `${holder.parameter} calls the policy server only after ${place.barrier}`,
    why: place.barrier.startsWith("permit")
      ? "Whom that restriction permits is never asked about, so a stolen account or an infected own machine is never counted."
      : "That restriction ends the list for everybody, so the call is never reached.",
  };
}

function warnOnlyFault(holder: Holder): ListFault {
  return {
    severity: "error",
    code: "call-warns-only",
    what: `${holder.parameter} has warn_if_reject before the call`,
    why: 'Postfix then logs our refusals and accepts the mail; to try rules out, use mode = "observe" instead.',
  };
}

function unreachableFault(holder: Holder, context: ListContext, call: PolicyCall): ListFault | undefined {
  const lost = holder.services.filter(
    (service) => !reaches(call.endpoint, context.ours, context.queueDirectory, service.chroot),
  );
  if (lost.length === 0) return undefined;
  const inside = lost.some((service) => service.chroot);
  return {
    severity: "error",
    code: "call-unreachable",
    what: `${holder.parameter} calls ${call.endpoint}, where ${lost.map((service) => service.name).join(", ")} finds no socket of ours`,
    why: inside
      ? `In its chroot the service sees ${context.queueDirectory} as /, so the path means another place there.`
      : "The path is another than the one we listen on.",
  };
}

function failureFault(setup: PostfixSetup, holder: Holder, ours: OurSide, call: PolicyCall): ListFault | undefined {
  const { seconds, action, wants } = failure(setup, holder, ours, call);
  if (!wants.timeout && !wants.action) return undefined;
  const then = wants.action ? `answers "${action}"` : "goes on";
  return {
    severity: "warn",
    code: "call-without-limits",
    what: `the call in ${holder.parameter} waits up to ${seconds} s for an answer, and without one Postfix ${then}`,
    why: "While the policy server hangs or is down, every client waits that long, twice, or is refused: mail must flow.",
  };
}

function repeatedFault(holder: Holder, count: number): ListFault {
  return {
    severity: "warn",
    code: "call-repeated",
    what: `${holder.parameter} calls the policy server ${count} times`,
    why: "Each call is a question of its own; one is enough.",
  };
}

/** What happens without an answer, by the call's own block or else by the parameters. */
function failure(setup: PostfixSetup, holder: Holder, ours: OurSide, call: PolicyCall) {
  const parameter = (name: string) => expandedValue(setup, holder.service, `smtpd_policy_service_${name}`);
  const seconds = parseSeconds(call.attributes.get("timeout") ?? parameter("timeout")) ?? Number.POSITIVE_INFINITY;
  const action = call.attributes.get("default_action") ?? parameter("default_action");
  const wants = {
    timeout: seconds > timeoutSecondsMax || seconds === 0,
    action: ours.onError === "pass" && action.startsWith(stockAction) && action !== actionWanted,
  };
  return { seconds, action, wants };
}

/** The list with one good call: in its place where everybody reaches it, else first. */
function mendList(setup: PostfixSetup, holder: Holder, context: ListContext, calls: readonly Place[]): readonly Edit[] {
  const place = calls.length === 0 ? undefined : bestPlace(calls);
  const { text, edits } = goodCall(setup, holder, context, place?.call);
  const inPlace = place !== undefined && place.barrier === undefined && !place.warnOnly;
  let at = 0;
  const rest = rewriteList(holder.raw, context, () => (inPlace && calls[at++] === place ? text : undefined));
  return [...setList(holder, inPlace ? rest : [text, ...rest]), ...edits];
}

/** The call as it should stand here, and the chroots that have to go when no listener is reachable inside them. */
function goodCall(setup: PostfixSetup, holder: Holder, context: ListContext, call: PolicyCall | undefined) {
  const reachable = (endpoint: string, chroots: readonly boolean[]) =>
    chroots.every((chroot) => reaches(endpoint, context.ours, context.queueDirectory, chroot));
  const chroots = holder.services.map((service) => service.chroot);
  const known = endpointsOf(context.ours, context.queueDirectory);
  const candidates = call === undefined ? known : [call.endpoint, ...known];
  const endpoint =
    candidates.find((one) => reachable(one, chroots)) ?? candidates.find((one) => reachable(one, [false]));
  const kept = { endpoint: endpoint ?? known[0] ?? "", attributes: call?.attributes ?? new Map<string, string>() };
  const { wants } = failure(setup, holder, context.ours, kept);
  const text = `check_policy_service ${printPolicyCall({ ...kept, attributes: goodAttributes(kept.attributes, wants) }, ", ")}`;
  const edits = holder.services
    .filter((service) => service.chroot && !reachable(kept.endpoint, [true]))
    .map((service): Edit => ({ kind: "chroot", service: service.name }));
  return { text, edits };
}
