import { after, before } from "node:test";
import { testEngine } from "../../../tests/contracts/engine.ts";
import { needs } from "../../../tests/needs.ts";
import { PostgresRig } from "../../../tests/postgres-rig.ts";
import { openPostgres } from "./postgres.ts";

const skip = needs("postgres");
const rig: { server?: PostgresRig } = {};
/** A database for each place, made when it is first opened. */
const urls = new Map<string, string>();
let places = 0;

before(async () => {
  if (skip === false) rig.server = await PostgresRig.start();
});
after(async () => {
  await rig.server?.[Symbol.asyncDispose]();
});

testEngine({
  name: "postgres",
  keeps: true,
  decidesInMemory: false,
  skip,
  place: () => String(places++),
  open: async (place, clock) => {
    const url = urls.get(place) ?? (await rig.server?.createDatabase()) ?? "";
    urls.set(place, url);
    return openPostgres({ url, clock, cellTime: "clock" });
  },
});
