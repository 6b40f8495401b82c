// The API as a fetch function: routes of the table behind limits, everything that goes wrong as problem+json. Two doors:
// the control socket with all routes, and the TCP listener with the probes only, until somebody can sign in there.

import { Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import { Problem } from "../core/problem.ts";
import { addAuthPolicy } from "./auth-policy.ts";
import { apiRoot } from "./contract.ts";
import type { ApiParts } from "./parts.ts";
import { problemResponse } from "./problem-answer.ts";
import type { Route } from "./route.ts";
import { accountRoutes } from "./routes/accounts.ts";
import { banRoutes } from "./routes/bans.ts";
import { containmentRoutes } from "./routes/containment.ts";
import { explainRoutes } from "./routes/explain.ts";
import { fail2banClientRoutes } from "./routes/fail2ban-client.ts";
import { groupRoutes } from "./routes/groups.ts";
import { jailRoutes } from "./routes/jails.ts";
import { logRoutes } from "./routes/logs.ts";
import { noticeRoutes } from "./routes/notices.ts";
import { policyRoutes } from "./routes/policies.ts";
import { addProbes } from "./routes/probes.ts";
import { quotaRoutes } from "./routes/quotas.ts";
import { statusRoutes } from "./routes/status.ts";
import { trustRoutes } from "./routes/trust.ts";

/** Every route of the API, in the order of the reference. */
export const routes: readonly Route[] = [
  ...policyRoutes,
  ...groupRoutes,
  ...quotaRoutes,
  ...accountRoutes,
  ...containmentRoutes,
  ...banRoutes,
  ...trustRoutes,
  ...explainRoutes,
  ...statusRoutes,
  ...logRoutes,
  ...jailRoutes,
  ...fail2banClientRoutes,
  ...noticeRoutes,
];

/** What answers on the control socket. */
export function controlApp(parts: ApiParts): Hono {
  const app = bareApp(parts);
  addProbes(app, parts);
  for (const route of routes) {
    const limit = bodyLimit({ maxSize: route.bodyBytesMax, onError: () => tooLarge(route, parts) });
    app.on(route.method, apiRoot + route.path, limit, async (c) => {
      const input = route.method === "GET" ? { ...c.req.query(), ...c.req.param() } : parseBody(await c.req.text());
      return c.json(await route.run(parts, input));
    });
  }
  return app;
}

/** What answers on `[api] listen`: whoever can connect sees whether we live, and the figures; Dovecot asks there, where that is enabled. */
export function publicApp(parts: ApiParts): Hono {
  const app = bareApp(parts);
  addProbes(app, parts);
  if (parts.authPolicy !== undefined) addAuthPolicy(app, parts.authPolicy);
  return app;
}

function bareApp(parts: ApiParts): Hono {
  const app = new Hono();
  app.use(async (c, next) => {
    await next();
    c.res.headers.set("x-content-type-options", "nosniff");
    c.res.headers.set("cache-control", "no-store");
  });
  app.onError((error) => problemResponse(error, parts.log));
  app.notFound(() => problemResponse(new Problem("there is no such route", { code: "api/no-route" }), parts.log));
  return app;
}

function parseBody(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Problem("the body is not JSON", { code: "api/bad-request", hint: "docs/reference/api.md has the shape" });
  }
}

function tooLarge(route: Route, parts: ApiParts): Response {
  const hint = `at most ${route.bodyBytesMax} bytes`;
  return problemResponse(new Problem("the call is too large", { code: "api/too-large", hint }), parts.log);
}
