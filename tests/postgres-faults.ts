// What can happen to a PostgreSQL under whoever uses it. How its connections run out is each test's own.

import type { PostgresRig } from "./postgres-rig.ts";

export interface PostgresFault {
  readonly name: string;
  /** Gives what ends the fault. */
  start(rig: PostgresRig): Promise<() => Promise<void>>;
}

export const crash: PostgresFault = {
  name: "stopped by a crash",
  start: async (rig) => {
    await rig.stop("immediate");
    return () => rig.restart();
  },
};

export const hang: PostgresFault = {
  name: "hung",
  start: async (rig) => {
    rig.signal("SIGSTOP");
    return async () => rig.signal("SIGCONT");
  },
};

export const lock: PostgresFault = {
  name: "locked",
  start: async (rig) => {
    const client = await rig.connect();
    await client.query("begin; lock table cells in access exclusive mode");
    return () => client.end();
  },
};

export const postgresFaults: readonly PostgresFault[] = [crash, hang, lock];
