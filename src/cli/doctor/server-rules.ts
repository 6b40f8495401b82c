// What around the policy call must be right: relaying, limits on clients, idle connections, delayed refusals, the version.

import { recipientList } from "./call-rules.ts";
import type { OurSide } from "./endpoint.ts";
import type { Fault, FindingCode } from "./finding.ts";
import { contextOf, type Holder, holderOf, holdersOf, setList, setValue } from "./holder.ts";
import { byLevel } from "./macro.ts";
import { readList, rewriteList, type Step } from "./restrictions.ts";
import { entryServices } from "./services.ts";
import { expandedValue, type PostfixSetup } from "./setup.ts";
import { parseSeconds } from "./time.ts";

const relayList = "smtpd_relay_restrictions";

/** We close a policy connection that was silent for so long; Postfix must close it before. */
const ourIdleSeconds = 1_015;

/** Any of these keeps strangers from relaying (postconf(5), smtpd_relay_restrictions). */
const relayGuards = new Set(["reject_unauth_destination", "defer_unauth_destination", "reject", "defer"]);

/** smtpd_relay_restrictions must refuse foreign destinations by itself. */
export function relayFaults(setup: PostfixSetup, ours: OurSide): readonly Fault[] {
  return holdersOf(setup, entryServices(setup), relayList).flatMap((holder) => {
    const steps = readList(holder.raw, contextOf(setup, holder, ours));
    if (steps.some(isRelayGuard)) return [];
    return {
      severity: "error" as const,
      code: "relay-open",
      ...who(holder),
      what: `${relayList} does not hold reject_unauth_destination or defer_unauth_destination`,
      why: `An OK in ${recipientList}, ours or an access table's, would let strangers relay through this server.`,
      edits: setList(holder, relayMend(setup, holder, ours)),
    };
  });
}

/** Limits per client that are off: without them Postfix neither slows a flood down nor logs it for the jails. */
export function limitFaults(setup: PostfixSetup): readonly Fault[] {
  return limits.flatMap((limit) =>
    holdersOf(setup, entryServices(setup), limit.parameter)
      .filter((holder) => holder.value === "0")
      .map((holder) => ({
        severity: limit.severity,
        code: "no-client-limit",
        ...who(holder),
        what: `${limit.parameter} is 0: no limit`,
        why: limit.why,
        edits: limit.start === undefined ? [] : setValue(holder, limit.start),
      })),
  );
}

const limits: readonly { parameter: string; severity: Fault["severity"]; start?: string; why: string }[] = [
  {
    parameter: "smtpd_client_connection_rate_limit",
    severity: "warn",
    start: "60",
    why: "One address may connect as often as it likes, and the log line that jails count never appears; 60 in each anvil_rate_time_unit is a beginning.",
  },
  {
    parameter: "smtpd_client_connection_count_limit",
    severity: "warn",
    start: "50",
    why: "One address can take all smtpd processes; 50 at a time is Postfix's own default.",
  },
  {
    parameter: "smtpd_client_auth_rate_limit",
    severity: "info",
    why: "One address may try as many passwords as it likes within a connection.",
  },
  {
    parameter: "smtpd_client_message_rate_limit",
    severity: "info",
    why: "Postfix itself does not limit messages of an address; our quotas by SenderIP can.",
  },
  {
    parameter: "smtpd_client_recipient_rate_limit",
    severity: "info",
    why: "Postfix itself does not limit recipients of an address; our quotas by SenderIP can.",
  },
];

/** Postfix has to close an idle policy connection before we do. */
export function idleFaults(setup: PostfixSetup): readonly Fault[] {
  const parameter = "smtpd_policy_service_max_idle";
  return holdersOf(setup, entryServices(setup), parameter).flatMap((holder) => {
    const ttl = parseSeconds(expandedValue(setup, holder.service, "smtpd_policy_service_max_ttl")) ?? 0;
    const idle = parseSeconds(holder.value) ?? 0;
    // A connection older than max_ttl is closed too, but only when it is used: an idle one lives for max_idle.
    if (idle < ourIdleSeconds && ttl > 0 && idle > 0) return [];
    const edits = [
      ...(idle > 0 && idle < ourIdleSeconds ? [] : setValue(holder, "300s")),
      ...(ttl > 0 ? [] : setValue({ ...holder, parameter: "smtpd_policy_service_max_ttl" }, "1000s")),
    ];
    return {
      severity: "warn" as const,
      code: "policy-connection-idle",
      ...who(holder),
      what: `${parameter} is ${holder.value} and smtpd_policy_service_max_ttl ${ttl} s`,
      why: `Idle connections are closed by us after ${ourIdleSeconds} s, and a question on a closed one costs its client a second; with 0 every question opens a connection.`,
      edits,
    };
  });
}

/** Refusing before RCPT hides recipient and login from questions and log lines. */
export function delayFaults(setup: PostfixSetup): readonly Fault[] {
  return holdersOf(setup, entryServices(setup), "smtpd_delay_reject")
    .filter((holder) => holder.value === "no")
    .map((holder) => ({
      severity: "warn" as const,
      code: "early-refusal",
      ...who(holder),
      what: "smtpd_delay_reject is no",
      why: "Clients are refused before they name sender, login and recipient, so log lines and records cannot tell whose mail it was.",
      edits: setValue(holder, "yes"),
    }));
}

/** Access tables before our call, versions with the END-OF-MESSAGE pitfall, a configuration without smtpd: good to know. */
export function notes(setup: PostfixSetup, ours: OurSide): readonly Fault[] {
  const version = setup.parameters.get("mail_version") ?? "";
  const faults: Fault[] = [];
  if (keepsStateAfterRefusal(version)) {
    faults.push({
      ...note("end-of-message-state", setup),
      what: `Postfix ${version} keeps a message's state after a refusal at END-OF-MESSAGE`,
      why: "A client may go on with the same instance; Postvarta knows this and counts it as another message. Mended in 3.8.20, 3.9.14, 3.10.13 and 3.11.6.",
    });
  }
  if (setup.services.length === 0) {
    faults.push({
      ...note("no-smtpd", setup),
      what: "master.cf runs no smtpd",
      why: "This Postfix takes no mail over SMTP, so it never asks.",
    });
  }
  return [...faults, ...tableNotes(setup, ours)];
}

function tableNotes(setup: PostfixSetup, ours: OurSide): readonly Fault[] {
  return holdersOf(setup, entryServices(setup), recipientList).flatMap((holder) => {
    const steps = readList(holder.raw, contextOf(setup, holder, ours));
    const call = steps.findIndex((step) => step.call !== undefined);
    const tables = steps.slice(0, Math.max(0, call)).filter((step) => /^check_\w+_access$/.test(step.name));
    if (tables.length === 0) return [];
    return {
      ...note("table-before-call", setup),
      ...who(holder),
      what: `${recipientList} asks ${tables.map((step) => `${step.name} ${step.argument}`).join(", ")} before the policy server`,
      why: "Mail that such a table answers with OK is never counted.",
    };
  });
}

function note(
  code: FindingCode,
  setup: PostfixSetup,
): Pick<Fault, "severity" | "code" | "where" | "services" | "edits"> {
  return { severity: "info", code, where: "main.cf", services: setup.services.map((one) => one.name), edits: [] };
}

function who(holder: Holder): Pick<Fault, "where" | "services"> {
  return { where: holder.where, services: holder.services.map((service) => service.name) };
}

function isRelayGuard(step: Step): boolean {
  return !step.warnOnly && relayGuards.has(step.name);
}

/** The list with a guard at its end; an empty one takes over the part of the recipient list that decided about relaying. */
function relayMend(setup: PostfixSetup, holder: Holder, ours: OurSide): readonly string[] {
  const context = contextOf(setup, holder, ours);
  if (holder.value !== "") return [...rewriteList(holder.raw, context, () => undefined), "reject_unauth_destination"];
  const [service] = holder.services;
  const recipient = service === undefined ? [] : relayPart(setup, holderOf(setup, service, recipientList), ours);
  if (recipient.length > 0) return recipient;
  return ["permit_mynetworks", "permit_sasl_authenticated", "reject_unauth_destination"];
}

/** The recipient list up to its relay guard, without questions to policy servers; empty when it has no guard. */
function relayPart(setup: PostfixSetup, holder: Holder, ours: OurSide): readonly string[] {
  const steps = readList(holder.raw, contextOf(setup, holder, ours));
  const guard = steps.findIndex(isRelayGuard);
  return steps
    .slice(0, guard + 1)
    .filter((step) => step.name !== "check_policy_service")
    .map((step) => [step.warnOnly ? "warn_if_reject" : "", step.name, step.argument ?? ""].filter(Boolean).join(" "));
}

/** Before 3.8.20, 3.9.14, 3.10.13, 3.11.6 (release notes of 2026-08-09); an unknown version is not accused. */
function keepsStateAfterRefusal(version: string): boolean {
  const match = /^(\d+)\.(\d+)(?:\.(\d+))?/.exec(version);
  if (match === null) return false;
  const mended: Readonly<Record<string, string>> = {
    "3.8": "3.8.20",
    "3.9": "3.9.14",
    "3.10": "3.10.13",
    "3.11": "3.11.6",
  };
  const least = mended[`${match[1]}.${match[2]}`];
  return byLevel(version, least ?? "3.8.20") < 0;
}
