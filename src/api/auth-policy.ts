// Dovecot's auth-policy protocol, and wforce's on the same road: Dovecot tells of every login and asks whether to let it through.
// https://doc.dovecot.org/2.4.0/core/config/auth/policy.html. What is not understood lets the login through: no fault of ours
// may keep an owner out.

import { createHash, timingSafeEqual } from "node:crypto";
import type { Context, Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import * as z from "zod";
import type { LoginReport } from "../accounts/accounts-owner.ts";
import type { Advice } from "../accounts/login-advice.ts";
import { parseIp, printIp } from "../core/ip.ts";

export interface AuthPolicyParts {
  /** The value of `X-API-Key`, or the password of `Authorization: Basic`; undefined: whoever reaches the listener may ask. */
  readonly key: string | undefined;
  /** `remote` in canonical text; `login` is hostile text. */
  advise(login: string, remote: string): Advice;
  report(report: LoginReport): void;
}

const bodyBytesMax = 64 * 1024;

/** Dovecot sends strings, empty for what it does not know; other members are its affair. */
const body = z.object({
  login: z.string().min(1).max(1_000),
  remote: z.string().max(100),
  protocol: z.string().max(100).catch(""),
  success: z.boolean().catch(false),
  policy_reject: z.boolean().catch(false),
  fail_type: z.string().max(100).catch(""),
});

const failure = (reason: string) => ({ status: "failure", reason });

/** Answers POST on `/?command=…` and `/command/…`. */
export function addAuthPolicy(app: Hono, parts: AuthPolicyParts): void {
  const limit = bodyLimit({ maxSize: bodyBytesMax, onError: (c) => c.json(failure("the body is too large"), 413) });
  app.post("/", limit, (c) => answer(c, c.req.query("command") ?? "", parts));
  app.post("/command/:command", limit, (c) => answer(c, c.req.param("command"), parts));
}

async function answer(c: Context, command: string, parts: AuthPolicyParts): Promise<Response> {
  if (parts.key !== undefined && !mayAsk(c, parts.key)) return c.json(failure("not allowed"), 401);
  if (command === "ping") return c.json({ status: "ok" });
  if (command !== "allow" && command !== "report") return c.json(failure("no such command"), 404);
  const parsed = body.safeParse(parseJson(await c.req.text()));
  if (!parsed.success) return c.json(failure("login and remote are needed, as JSON"), 400);
  const { login, remote, protocol, success, policy_reject: refused, fail_type } = parsed.data;
  const ip = parseIp(remote);
  // Empty for a login on this machine: nothing to judge.
  if (ip === undefined && remote !== "") return c.json(failure("remote is no address"), 400);
  if (command === "report") {
    const internal = fail_type === "internal";
    if (ip !== undefined) parts.report({ login, remote: printIp(ip), protocol, success, refused, internal });
    return c.json({ status: "ok" });
  }
  return c.json(ip === undefined ? { status: 0, msg: "" } : parts.advise(login, printIp(ip)));
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** `X-API-Key: KEY`, as Dovecot sends it by `auth_policy_server_api_header`, or the password of Basic, as wforce's clients do. */
function mayAsk(c: Context, key: string): boolean {
  const header = c.req.header("x-api-key");
  if (header !== undefined) return isSame(header, key);
  const [, basic] = /^Basic ([\w+/=-]+)$/i.exec(c.req.header("authorization") ?? "") ?? [];
  if (basic === undefined) return false;
  const [, password = ""] = /^[^:]*:(.*)$/s.exec(Buffer.from(basic, "base64").toString("utf8")) ?? [];
  return isSame(password, key);
}

/** In a time that tells nothing of where they differ. */
function isSame(a: string, b: string): boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}
