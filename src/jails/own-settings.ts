// `[jails]` of the configuration → what the own jails run by, and what their bans are like.

import type { Config } from "../config/config.ts";
import type { JailSetting } from "./jail.ts";
import { ownJails } from "./own/index.ts";
import type { Mildness } from "./own-jails.ts";

export type JailsConfig = Config["jails"];
type Section = JailsConfig["unknown_user"];

const dayMs = 86_400_000;

/** The section of an own jail. */
export function sectionOf(config: JailsConfig, jail: string): Section {
  const sections = config as unknown as Readonly<Record<string, Section | undefined>>;
  const section = sections[jail.replaceAll("-", "_")];
  if (section === undefined) throw new Error(`the jail ${jail} has no section in the configuration`);
  return section;
}

/** Settings of the own jails that are on. */
export function ownJailSettings(config: JailsConfig): readonly JailSetting[] {
  return ownJails.flatMap(({ name, what }) => {
    const section = sectionOf(config, name);
    if (!section.enabled) return [];
    const { maxretry, subnet_maxretry, subnet_addresses, ipv6_prefix } = section;
    const subnets = section.subnets ? { maxretry: subnet_maxretry, addresses: subnet_addresses } : undefined;
    const times = {
      findtimeMs: section.findtime,
      bantimeMs: section.bantime === "forever" ? undefined : section.bantime,
    };
    return [{ name, what, maxretry, ...times, method: "sliding" as const, ipv6Prefix: ipv6_prefix, subnets }];
  });
}

export function mildnessOf({ wrong_password: section }: JailsConfig): Mildness {
  return {
    factor: section.mild ? section.mild_factor : undefined,
    keepMs: section.mild_days * dayMs,
    accounts: section.mild_accounts,
    bantimeMs: section.mild_bantime,
  };
}
