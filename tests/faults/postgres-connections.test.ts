import type { PostgresFault } from "../postgres-faults.ts";
import type { PostgresRig } from "../postgres-rig.ts";
import { testPostgresFault } from "./postgres-fault.ts";

const outOfConnections: PostgresFault = {
  name: "out of connections",
  start: async (rig) => {
    const taken: Awaited<ReturnType<PostgresRig["connect"]>>[] = [];
    const ours = "from pg_stat_activity where application_name like 'postvarta %'";
    const first = await rig.connect();
    taken.push(first);
    // Whatever the daemon loses somebody else takes before it comes back.
    for (let tries = 0; tries < 50; tries++) {
      await first.query(`select pg_terminate_backend(pid) ${ours}`);
      const more = await Promise.allSettled(Array.from({ length: 12 }, () => rig.connect()));
      for (const outcome of more) if (outcome.status === "fulfilled") taken.push(outcome.value);
      const { rows } = await first.query(`select count(*)::integer as n ${ours}`);
      if (rows[0]?.["n"] === 0) break;
    }
    return async () => {
      for (const client of taken) await client.end();
    };
  },
};

testPostgresFault(outOfConnections, { maxConnections: 12 });
