// Is this check_policy_service ours? Compares what Postfix calls with where we listen, and writes the call as it should be.
import type { ListenAddress } from "../../config/listen.ts";
import { splitWords } from "./macro.ts";

/** What of our configuration doctor needs. */
export interface OurSide {
  readonly listen: readonly ListenAddress[];
  /** "defer": the operator wants mail to wait when nothing is known, so Postfix's own 451 is right too. */
  readonly onError: "pass" | "defer";
}

/** The argument of check_policy_service, taken apart. */
export interface PolicyCall {
  /** `inet:127.0.0.1:10031`, `unix:private/policy` … */
  readonly endpoint: string;
  /** `timeout`, `default_action` …; empty for the bare form. */
  readonly attributes: ReadonlyMap<string, string>;
}

/** Worst case for a client is then twice this and one second (reliability of smtpd's try_limit 2, retry_delay 1 s). */
const timeoutWanted = "3s";

export const actionWanted = "DUNNO";

/** Parses `inet:h:p`, `unix:path` or `{ inet:h:p, timeout=3s, … }` (SMTPD_POLICY_README, "advanced policy client configuration"). */
export function parsePolicyCall(text: string): PolicyCall {
  const block = /^\{([\s\S]*)\}$/.exec(text.trim());
  const [endpoint = "", ...words] = block === null ? [text.trim()] : splitWords(block[1] ?? "");
  const attributes = new Map<string, string>();
  for (const word of words) {
    const match = /^(\w+)\s*=\s*([\s\S]*)$/.exec(word.replace(/^\{\s*([\s\S]*?)\s*\}$/, "$1"));
    if (match !== null) attributes.set(match[1] ?? "", match[2] ?? "");
  }
  return { endpoint, attributes };
}

/** The call with a short timeout, with DUNNO unless `keepAction`, and all other attributes as they were. */
export function printPolicyCall(call: PolicyCall, separator: ", " | ","): string {
  const words = [...call.attributes].map(([name, value]) =>
    /[\s,{}]/.test(value) ? `{ ${name} = ${value} }` : `${name}=${value}`,
  );
  if (words.length === 0) return call.endpoint;
  const inner = [call.endpoint, ...words].join(separator);
  return separator === "," ? `{${inner}}` : `{ ${inner} }`;
}

/** The attributes a good call has, over what the operator has chosen already. */
export function goodAttributes(
  chosen: ReadonlyMap<string, string>,
  wants: { readonly timeout: boolean; readonly action: boolean },
): ReadonlyMap<string, string> {
  const attributes = new Map(chosen);
  if (wants.timeout) attributes.set("timeout", timeoutWanted);
  if (wants.action) attributes.set("default_action", actionWanted);
  return attributes;
}

/** True when the endpoint means one of our listeners, seen from any chroot. */
export function isOurs(endpoint: string, ours: OurSide, queueDirectory: string): boolean {
  return ours.listen.some((address) => {
    if (!("unixPath" in address)) return sameInet(endpoint, address);
    return pathsOf(endpoint, queueDirectory).includes(address.unixPath);
  });
}

/** True when a service, in its chroot or not, reaches one of our listeners there. */
export function reaches(endpoint: string, ours: OurSide, queueDirectory: string, chroot: boolean): boolean {
  const path = unixPath(endpoint);
  return ours.listen.some((address) => {
    if (!("unixPath" in address)) return sameInet(endpoint, address);
    return path !== undefined && resolve(path, queueDirectory, chroot) === address.unixPath;
  });
}

/** How Postfix calls each of our listeners: a socket in the queue directory by its relative path, which a chroot does not change. */
export function endpointsOf(ours: OurSide, queueDirectory: string): readonly string[] {
  return ours.listen.map((address) => {
    if ("unixPath" in address) {
      const inside = address.unixPath.startsWith(`${queueDirectory}/`);
      return `unix:${inside ? address.unixPath.slice(queueDirectory.length + 1) : address.unixPath}`;
    }
    const host = address.host === "0.0.0.0" ? "127.0.0.1" : address.host === "::" ? "::1" : address.host;
    return `inet:${host.includes(":") ? `[${host}]` : host}:${address.port}`;
  });
}

function sameInet(endpoint: string, address: { readonly host: string; readonly port: number }): boolean {
  const match = /^inet:(?:(?:\[([^\]]+)\]|([^:]+)):)?(\d+)$/.exec(endpoint);
  if (match === null || Number(match[3]) !== address.port) return false;
  const host = (match[1] ?? match[2] ?? "localhost").toLowerCase();
  if (address.host === "0.0.0.0" || address.host === "::") return true;
  if (host === "localhost") return address.host === "127.0.0.1" || address.host === "::1";
  return host === address.host;
}

function unixPath(endpoint: string): string | undefined {
  const match = /^(?:unix|local):(.+)$/.exec(endpoint);
  return match?.[1];
}

function pathsOf(endpoint: string, queueDirectory: string): readonly string[] {
  const path = unixPath(endpoint);
  if (path === undefined) return [];
  return [resolve(path, queueDirectory, true), resolve(path, queueDirectory, false)];
}

/** smtpd(8) works in the queue directory; a chrooted one has it as its root. */
function resolve(path: string, queueDirectory: string, chroot: boolean): string {
  if (!path.startsWith("/")) return `${queueDirectory}/${path}`;
  return chroot ? `${queueDirectory}${path}` : path;
}
