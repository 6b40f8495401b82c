// What the bans of a jail are like: their ports, whether they are enforced, and how they grow with those before.

import { type PortList, parsePorts } from "../core/port-list.ts";
import type { BanGrowth } from "./fail2ban/ban-growth.ts";
import type { JailDefinition } from "./fail2ban/jail-reader.ts";
import { ownJails } from "./own/index.ts";
import { type JailsConfig, sectionOf } from "./own-settings.ts";

export interface JailBan {
  /** undefined: all of them. */
  readonly ports: PortList | undefined;
  readonly enforce: boolean;
  readonly growth: BanGrowth | undefined;
}

export function ownJailBans(config: JailsConfig): ReadonlyMap<string, JailBan> {
  return new Map(
    ownJails.map(({ name }) => {
      const { ports, mode } = sectionOf(config, name);
      const enforce = config.mode === "enforce" && mode === "enforce";
      return [name, { ports: ports === "" ? undefined : parsePorts(ports), enforce, growth: undefined }];
    }),
  );
}

/** Bans of Fail2ban's jails close what their recognised actions close, all of them together; where one closes everything, everything. */
export function fail2banBans(
  { mode }: JailsConfig,
  definitions: readonly JailDefinition[],
): ReadonlyMap<string, JailBan> {
  return new Map(
    definitions.map((definition) => {
      const { name, growth } = definition;
      return [name, { ports: portsOf(definition), enforce: mode === "enforce", growth }];
    }),
  );
}

function portsOf({ actions }: JailDefinition): PortList | undefined {
  const ports = actions.flatMap(({ native }) => (native === undefined ? [] : native.ports));
  const closesAll = actions.some(({ native }) => native !== undefined && native.ports.length === 0);
  return closesAll || ports.length === 0 ? undefined : parsePorts(ports.join(","));
}
