// One question to one registry: whois over port 43 (RFC 3912) or RDAP over HTTPS (RFC 7480). A limit of time and size; no redirect
// is followed here: it comes back as a place to ask next.

import { connect } from "node:net";
import type { Ip } from "../../core/ip.ts";
import { parseRdapAnswer } from "./rdap-answer.ts";
import type { Registration } from "./registration.ts";
import type { Registry } from "./registry.ts";
import { answerBytesMax, isDenied, parseWhoisAnswer, referralIn } from "./whois-answer.ts";

const timeoutMs = 10_000;
/** For a registry that says "too often" and not for how long. */
const deniedMs = 3_600_000;
const retryMsMax = 86_400_000;

/** found: `next` undefined and a registration or nothing. elsewhere: another server is named. denied: ask again in `waitMs`. */
export type RegistryAnswer =
  | { readonly kind: "found"; readonly registration: Registration | undefined }
  | { readonly kind: "elsewhere"; readonly place: string; readonly registration: Registration | undefined }
  | { readonly kind: "denied"; readonly waitMs: number };

/** Asks; rejects when the registry cannot be reached. */
export type AskRegistry = (registry: Registry, ip: Ip, address: string) => Promise<RegistryAnswer>;

/** `port` is 43 but in tests. */
export async function askWhois(registry: Registry, ip: Ip, address: string, port = 43): Promise<RegistryAnswer> {
  const text = await exchange(registry.whois, port, registry.question(address));
  if (isDenied(text)) return { kind: "denied", waitMs: deniedMs };
  const registration = parseWhoisAnswer(text, ip, registry.name);
  const place = referralIn(text);
  return place === undefined ? { kind: "found", registration } : { kind: "elsewhere", place, registration };
}

/** `address` goes in as one of ours, so it holds no line end. */
function exchange(host: string, port: number, question: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port });
    const late = setTimeout(() => socket.destroy(new Error(`no answer within ${timeoutMs / 1000} s`)), timeoutMs);
    const chunks: Buffer[] = [];
    let length = 0;
    const end = () => resolve(Buffer.concat(chunks).toString("utf8"));
    socket.on("data", (chunk: Buffer) => {
      chunks.push(chunk);
      length += chunk.length;
      // What came is enough for the block that we look for.
      if (length > answerBytesMax) socket.destroy();
    });
    socket.on("error", reject);
    socket.on("close", () => {
      clearTimeout(late);
      end();
    });
    socket.write(`${question}\r\n`);
  });
}

/** `get` is the house's fetch but in tests. */
export async function askRdap(
  registry: Registry,
  ip: Ip,
  address: string,
  get: typeof fetch = fetch,
): Promise<RegistryAnswer> {
  const url = new URL(`ip/${encodeURIComponent(address)}`, registry.rdap);
  const answer = await get(url, {
    headers: { accept: "application/rdap+json", "user-agent": "postvarta" },
    redirect: "manual",
    signal: AbortSignal.timeout(timeoutMs),
  });
  const place = answer.headers.get("location");
  if (answer.status >= 300 && answer.status < 400 && place !== null) {
    return { kind: "elsewhere", place: new URL(place, url).href, registration: undefined };
  }
  if (answer.status === 429 || answer.status === 403)
    return { kind: "denied", waitMs: waitOf(answer.headers.get("retry-after")) };
  if (answer.status === 404) return { kind: "found", registration: undefined };
  if (!answer.ok) throw new Error(`${registry.name} answered ${answer.status}`);
  return { kind: "found", registration: parseRdapAnswer(await bodyOf(answer), ip, registry.name) };
}

/** Retry-After (RFC 9110, 10.2.3): seconds or a date. */
function waitOf(header: string | null): number {
  const ms =
    header === null ? Number.NaN : /^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - Date.now();
  return Number.isFinite(ms) ? Math.min(Math.max(ms, 1_000), retryMsMax) : deniedMs;
}

async function bodyOf(answer: Response): Promise<unknown> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of answer.body ?? []) {
    length += chunk.length;
    if (length > answerBytesMax) return undefined;
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString("utf8"));
  } catch {
    return undefined;
  }
}
