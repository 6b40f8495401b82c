// What a schema says about itself, as plain data: known keys, types, defaults, words. Errors, the environment and the
// reference pages derive from it.

import * as z from "zod";
import type { Path } from "./tree.ts";

/** A node of a schema's JSON Schema (2020-12), with the house's own notes from `.meta()`. */
export interface Outline {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly maxItems?: number;
  readonly properties?: Readonly<Record<string, Outline>>;
  readonly required?: readonly string[];
  readonly items?: Outline;
  /** Note: what is allowed, in words, where the type does not say it. */
  readonly allowed?: string;
  /** Note: the value is a secret, `KEY_file` may name a file that holds it. */
  readonly secret?: boolean;
  /** Note: the default in words, where the value depends on the machine. */
  readonly defaultText?: string;
  /** Note: known, and refused in this version. */
  readonly notBuilt?: boolean;
}

/** The outline of what a schema reads (its input). */
export function outlineOf(schema: z.ZodType): Outline {
  return parseOutline(z.toJSONSchema(schema, { io: "input", unrepresentable: "any", reused: "inline" }));
}

/** The outline of a schema, worked out when it is first asked for: it costs a start more than reading the configuration does. */
export function lazyOutline(schema: z.ZodType): () => Outline {
  let outline: Outline | undefined;
  return () => (outline ??= outlineOf(schema));
}

/** Zod's own type of a JSON Schema is wider than what our schemas can produce. */
function parseOutline(json: object): Outline {
  return json as Outline;
}

/** The outline at a path of keys and list indexes, or undefined. */
export function outlineAt(outline: Outline, path: Path): Outline | undefined {
  let here: Outline | undefined = outline;
  for (const step of path) {
    if (here === undefined) return undefined;
    here = typeof step === "number" ? here.items : propertyOf(here, step);
  }
  return here;
}

function propertyOf(outline: Outline, key: string): Outline | undefined {
  return outline.properties !== undefined && Object.hasOwn(outline.properties, key)
    ? outline.properties[key]
    : undefined;
}

export function keysOf(outline: Outline | undefined): readonly string[] {
  return Object.keys(outline?.properties ?? {});
}

/** Every setting below `outline` with its path: leaves and lists, not tables. */
export function leavesOf(
  outline: Outline,
  path: readonly string[] = [],
): { path: readonly string[]; outline: Outline }[] {
  if (outline.properties === undefined) return [{ path, outline }];
  return Object.entries(outline.properties).flatMap(([key, inner]) => leavesOf(inner, [...path, key]));
}

/** What is allowed, in words: `"enforce" or "observe"`, `a whole number from 0 to 100`. */
export function allowedText(outline: Outline | undefined): string {
  if (outline?.allowed !== undefined) return outline.allowed;
  if (outline?.enum !== undefined) return orList(outline.enum.map((value) => JSON.stringify(value)));
  switch (outline?.type) {
    case "string":
      return `a text in quotes${rangeText(outline.minLength, outline.maxLength, " characters")}`;
    case "integer":
      return `a whole number${rangeText(outline.minimum, outline.maximum, "")}`;
    case "number":
      return `a number${rangeText(outline.minimum, outline.maximum, "")}`;
    case "boolean":
      return "true or false";
    case "array":
      return `a list [ … ]${rangeText(undefined, outline.maxItems, " items")}, each ${allowedText(outline.items)}`;
    case "object":
      return `a table with ${keysOf(outline).join(", ")}`;
    default:
      return "something else";
  }
}

function rangeText(min: number | undefined, max: number | undefined, unit: string): string {
  const low = min === undefined || min <= Number.MIN_SAFE_INTEGER ? undefined : min;
  const high = max === undefined || max >= Number.MAX_SAFE_INTEGER ? undefined : max;
  if (low !== undefined && high !== undefined) return ` from ${low} to ${high}${unit}`;
  if (low !== undefined) return ` of at least ${low}${unit}`;
  return high === undefined ? "" : ` of at most ${high}${unit}`;
}

/** `a, b or c`. */
export function orList(words: readonly string[]): string {
  const last = words.at(-1) ?? "";
  return words.length < 2 ? last : `${words.slice(0, -1).join(", ")} or ${last}`;
}
