// An RDAP answer about an address (RFC 9083) as a registration.

import { type Ip, parseIp } from "../../core/ip.ts";
import { compareIps, holds, type Registration, tame, tameCountry } from "./registration.ts";

const entitiesMax = 20;

/** Undefined when it is not about `ip`, or not of the form. Nothing is thrown, whatever it holds. */
export function parseRdapAnswer(json: unknown, ip: Ip, registry: string): Registration | undefined {
  if (!isObject(json)) return undefined;
  const first = parseIp(textOf(json["startAddress"]));
  const last = parseIp(textOf(json["endAddress"]));
  if (first === undefined || last === undefined || first.family !== last.family || compareIps(first, last) > 0)
    return undefined;
  if (!holds({ first, last }, ip)) return undefined;
  const registrant = listOf(json["entities"]).find((entity) => listOf(entity["roles"], textOf).includes("registrant"));
  const card = registrant === undefined ? [] : cardOf(registrant);
  return {
    ...{ first, last, registry },
    name: tame(textOf(json["name"])),
    organisation: tame(textOf(card.find(([key]) => key === "fn")?.[3])),
    country: tameCountry(textOf(json["country"])),
    origins: listOf(json["arin_originas0_originautnums"], Number).filter(
      (n) => Number.isInteger(n) && n > 0 && n <= 0xffffffff,
    ),
  };
}

/** The properties of a jCard (RFC 7095): [name, parameters, type, value]. */
function cardOf(entity: Readonly<Record<string, unknown>>): readonly (readonly unknown[])[] {
  const card = entity["vcardArray"];
  const properties: unknown = Array.isArray(card) ? card[1] : undefined;
  return Array.isArray(properties) ? properties.filter((one): one is unknown[] => Array.isArray(one)) : [];
}

function listOf(value: unknown): readonly Readonly<Record<string, unknown>>[];
function listOf<T>(value: unknown, read: (item: unknown) => T): readonly T[];
function listOf(value: unknown, read?: (item: unknown) => unknown): readonly unknown[] {
  const items: readonly unknown[] = Array.isArray(value) ? value.slice(0, entitiesMax) : [];
  return read === undefined ? items.filter(isObject) : items.map(read);
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
