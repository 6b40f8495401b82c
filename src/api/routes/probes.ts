// What load balancers, systemd and Prometheus ask: alive, ready, figures. No names of accounts or addresses here.

import type { Hono } from "hono";
import type { ProbeAnswer } from "../contract.ts";
import type { ApiParts } from "../parts.ts";

/** `/healthz`: the process answers. `/readyz`: it can take questions, 503 with the reasons when not. `/metrics`. */
export function addProbes(app: Hono, parts: ApiParts): void {
  app.get("/healthz", (c) => c.json({ ok: true, problems: [] } satisfies ProbeAnswer));
  app.get("/readyz", (c) => {
    const problems = [...parts.whyNotReady()];
    return c.json({ ok: problems.length === 0, problems } satisfies ProbeAnswer, problems.length === 0 ? 200 : 503);
  });
  app.get("/metrics", async (c) => {
    return c.body(await parts.metrics.render(), 200, { "content-type": "text/plain; version=0.0.4; charset=utf-8" });
  });
}
