// Which smtpd services take mail from outside, and which take it back from a content filter.
import type { PostfixSetup, SmtpdService } from "./setup.ts";

/** Ports where people and other servers bring mail; never a filter's way back. */
const entryNames = /^(?:.*:)?(smtp|smtpd|submission|submissions|smtps|25|465|587)$/;

const loopbackName = /^(127\.|localhost:|\[::1\]:|::1:)/;

/** Services whose mail is to be counted. */
export function entryServices(setup: PostfixSetup): readonly SmtpdService[] {
  return setup.services.filter((service) => !isReinjection(service));
}

/** Services behind a content filter (FILTER_README, SMTPD_PROXY_README). */
export function reinjectionServices(setup: PostfixSetup): readonly SmtpdService[] {
  return setup.services.filter(isReinjection);
}

/** It switches the filter off for itself, or sits on loopback and believes what a filter forwards. */
function isReinjection(service: SmtpdService): boolean {
  const name = service.name.slice(0, service.name.lastIndexOf("/"));
  if (entryNames.test(name)) return false;
  if (service.overrides.get("content_filter")?.trim() === "") return true;
  if (!loopbackName.test(name)) return false;
  return (
    service.overrides.get("smtpd_proxy_filter")?.trim() === "" ||
    (service.overrides.get("smtpd_authorized_xforward_hosts") ?? "") !== ""
  );
}
