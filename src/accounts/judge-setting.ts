// One setting of the judge in words: `newNetworks.each=5`, `loginWindowMs=3600000`.

import type { JudgeSettings } from "./judge-settings.ts";

/** The settings with this one changed; what is wrong with the text otherwise. */
export function parseJudgeSetting(settings: JudgeSettings, text: string): JudgeSettings | string {
  const equals = text.indexOf("=");
  const [group = "", name, ...more] = text.slice(0, Math.max(0, equals)).split(".");
  const value = Number(text.slice(equals + 1));
  if (equals < 1 || text.length === equals + 1 || !Number.isFinite(value) || value < 0)
    return "a number of nought or more is missing";
  const current = new Map<string, unknown>(Object.entries(settings)).get(group);
  if (more.length > 0 || current === undefined) return "there is no such setting";
  if (name === undefined) return typeof current === "number" ? { ...settings, [group]: value } : "it has several parts";
  if (typeof current !== "object" || current === null || !Object.hasOwn(current, name))
    return "there is no such setting";
  return { ...settings, [group]: { ...current, [name]: value } };
}
