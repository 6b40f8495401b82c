// How we connect: names, limits, numbers as numbers. Errors of the driver hold no password, and none is added here.

import { setMaxListeners } from "node:events";
import pg from "pg";
import type { PgTarget } from "./pg-url.ts";

/** A server that does not answer at all. */
const connectTimeoutMs = 3_000;

/** For ending in peace; after it the socket is closed. */
const endWaitMs = 1_000;

const { Client, types } = pg;

/** int8 and numeric as numbers: what we keep in them is far below 2^53. */
const numberTypes = {
  getTypeParser: ((oid: number, format?: "text" | "binary") =>
    oid === types.builtins.INT8 || oid === types.builtins.NUMERIC
      ? Number
      : types.getTypeParser(oid, format === "binary" ? "binary" : "text")) as typeof types.getTypeParser,
};

export function clientConfig({ location: _, ...target }: PgTarget, name: string) {
  return {
    ...target,
    application_name: name.slice(0, 63),
    connectionTimeoutMillis: connectTimeoutMs,
    keepAlive: true,
    types: numberTypes,
  } satisfies pg.ClientConfig;
}

/** A connection of its own. Rejects with the driver's error. */
export async function connectPg(target: PgTarget, name: string): Promise<pg.Client> {
  const client = new Client(clientConfig(target, name));
  // Each query under way is told too; unheard, this would end the process.
  client.on("error", () => undefined);
  setMaxListeners(20, client);
  await client.connect();
  return client;
}

export async function endPg(client: pg.Client): Promise<void> {
  const timer = setTimeout(() => client.connection.stream.destroy(), endWaitMs);
  await client.end().catch(() => undefined);
  clearTimeout(timer);
}

/** Between attempts: from 100 ms to 5 s, each somewhere in the upper half, so that nodes do not come all at once. */
export function backOffMs(attempt: number): number {
  return Math.min(5_000, 100 * 2 ** Math.min(attempt, 10)) * (0.5 + Math.random() / 2);
}
