// One Postfix configuration directory as we found it: parameters, and each smtpd service of master.cf with its own values.
import type { Lookup } from "./macro.ts";
import { expandMacros } from "./macro.ts";

export interface PostfixSetup {
  /** The directory of main.cf and master.cf. */
  readonly directory: string;
  /** main.cf's parameters as written, Postfix's defaults for the others. */
  readonly parameters: ReadonlyMap<string, string>;
  /** The services of master.cf that run smtpd. */
  readonly services: readonly SmtpdService[];
}

export interface SmtpdService {
  /** As postconf names it: `submission/inet`. */
  readonly name: string;
  readonly chroot: boolean;
  /** Its `-o name=value`. */
  readonly overrides: ReadonlyMap<string, string>;
}

/** A change of a configuration that one postconf command makes. */
export type Edit =
  | { readonly kind: "main"; readonly name: string; readonly value: string }
  | { readonly kind: "service"; readonly service: string; readonly name: string; readonly value: string }
  | { readonly kind: "chroot"; readonly service: string };

/** The value of a parameter as a service sees it, macros not expanded. */
export function rawValue(setup: PostfixSetup, service: SmtpdService | undefined, name: string): string {
  return lookupOf(setup, service)(name) ?? "";
}

/** The value of a parameter as a service sees it, expanded. */
export function expandedValue(setup: PostfixSetup, service: SmtpdService | undefined, name: string): string {
  const lookup = lookupOf(setup, service);
  return expandMacros(lookup(name) ?? "", lookup).trim();
}

export function lookupOf(setup: PostfixSetup, service: SmtpdService | undefined): Lookup {
  return (name) => service?.overrides.get(name) ?? setup.parameters.get(name);
}

/** The setup after the edits, as `postconf` would leave it. */
export function applyEdits(setup: PostfixSetup, edits: readonly Edit[]): PostfixSetup {
  const parameters = new Map(setup.parameters);
  let services = setup.services;
  for (const edit of edits) {
    switch (edit.kind) {
      case "main":
        parameters.set(edit.name, edit.value);
        break;
      case "service":
      case "chroot":
        services = services.map((service) => (service.name === edit.service ? edited(service, edit) : service));
        break;
      default:
        edit satisfies never;
    }
  }
  return { ...setup, parameters, services };
}

function edited(service: SmtpdService, edit: Exclude<Edit, { kind: "main" }>): SmtpdService {
  if (edit.kind === "chroot") return { ...service, chroot: false };
  return { ...service, overrides: new Map(service.overrides).set(edit.name, edit.value) };
}

/** The command that makes the edit, quoted for a POSIX shell (postconf(1): -e, -P, -F). */
export function printEdit(directory: string, edit: Edit): string {
  const words = (() => {
    switch (edit.kind) {
      case "main":
        return ["-e", `${edit.name} = ${edit.value}`];
      case "service":
        return ["-P", `${edit.service}/${edit.name}=${edit.value}`];
      case "chroot":
        return ["-F", `${edit.service}/chroot=n`];
    }
  })();
  return ["postconf", "-c", shellWord(directory), words[0], quoted(words[1] ?? "")].join(" ");
}

export function shellWord(text: string): string {
  return /^[\w./@%+:-]+$/.test(text) ? text : quoted(text);
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
