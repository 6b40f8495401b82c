// What filters and actions share: a file with [Definition] and [Init], and the parameters that a jail gives over both.

import type { ConfigTree, Options } from "./interpolation.ts";

export interface DefinitionRequest {
  readonly tree: ConfigTree;
  /** What the jail gives in brackets; names in lower case. */
  readonly parameters: Options;
  /** The jail's own options, for `%(…)s` and tags where the file itself has none. */
  readonly jail?: Options;
  /** The options of [Definition] that are read. */
  readonly options: readonly string[];
}

export interface Definition {
  /** The options of [Definition] with `%(…)s` put in and tags as they stand. */
  readonly own: Map<string, string>;
  /** Parameters, then what [Init] sets besides them, with `known/…` for what a parameter replaced. */
  readonly given: Map<string, string>;
  /** The value of a tag that neither of these has. */
  readonly find: (tag: string) => string | undefined;
}

/** Reads one definition; a Problem when a value refers to what there is not. */
export function readDefinition({ tree, parameters, jail, options }: DefinitionRequest): Definition {
  const section = "Definition";
  if (!tree.has(section)) tree.add(new Map([[section, new Map()]]));
  const vars = new Map([...(jail ?? []), ...parameters]);
  const own = new Map<string, string>();
  for (const name of options) {
    if (vars.has(name) && !parameters.has(name)) continue;
    const value = tree.find(section, name, vars);
    if (value !== undefined) own.set(name, value);
  }
  const given = new Map(parameters);
  for (const name of tree.names("Init")) {
    const value = tree.find("Init", name) ?? "";
    given.set(`known/${name}`, value);
    if (!given.has(name) && !overridden(name, parameters)) given.set(name, value);
  }
  const known = new Map([...vars, ...given]);
  return { own, given, find: (tag) => tree.findTag(section, tag, known) };
}

/** A plain parameter speaks for all families: it goes over the `[Init?family=inet6]` of the file too. */
function overridden(name: string, parameters: Options): boolean {
  const plain = /^([^?]+)\?/.exec(name)?.[1];
  return plain !== undefined && parameters.has(plain);
}
