// Where a parameter's value is written: main.cf for all services that inherit it, or one service's `-o` in master.cf.
import type { OurSide } from "./endpoint.ts";
import { splitWords } from "./macro.ts";
import type { ListContext } from "./restrictions.ts";
import { type Edit, expandedValue, lookupOf, type PostfixSetup, rawValue, type SmtpdService } from "./setup.ts";

export interface Holder {
  readonly parameter: string;
  /** `main.cf` or the service's name. */
  readonly where: string;
  /** Set when the value is the service's own. */
  readonly service: SmtpdService | undefined;
  /** Who works with this value. */
  readonly services: readonly SmtpdService[];
  /** As written. */
  readonly raw: string;
  /** Expanded. */
  readonly value: string;
}

/** The places that give `services` their value of a parameter: main.cf first, then each service that has its own. */
export function holdersOf(
  setup: PostfixSetup,
  services: readonly SmtpdService[],
  parameter: string,
): readonly Holder[] {
  const inherited = expandedValue(setup, undefined, parameter);
  const own = (service: SmtpdService) =>
    service.overrides.has(parameter) || expandedValue(setup, service, parameter) !== inherited;
  const inheriting = services.filter((service) => !own(service));
  const holders = services.filter(own).map((service) => holderOf(setup, service, parameter));
  if (inheriting.length === 0) return holders;
  const raw = rawValue(setup, undefined, parameter);
  return [{ parameter, where: "main.cf", service: undefined, services: inheriting, raw, value: inherited }, ...holders];
}

export function holderOf(setup: PostfixSetup, service: SmtpdService, parameter: string): Holder {
  const raw = rawValue(setup, service, parameter);
  const value = expandedValue(setup, service, parameter);
  return { parameter, where: service.name, service, services: [service], raw, value };
}

export function contextOf(setup: PostfixSetup, holder: Holder, ours: OurSide): ListContext {
  const queueDirectory = expandedValue(setup, undefined, "queue_directory");
  return { lookup: lookupOf(setup, holder.service), ours, queueDirectory };
}

/** The edits that give the holder's parameter this value. */
export function setValue(holder: Holder, value: string): readonly Edit[] {
  if (holder.service === undefined) return [{ kind: "main", name: holder.parameter, value }];
  const service = holder.service.name;
  if (!/\s/.test(value)) return [{ kind: "service", service, name: holder.parameter, value }];
  // `postconf -P` takes no blanks (3.7: "-Pe does not accept whitespace"), so the text goes to main.cf under a name of its own.
  const name = `postvarta_${service.replace(/\W+/g, "_")}_${holder.parameter}`;
  return [
    { kind: "main", name, value },
    { kind: "service", service, name: holder.parameter, value: `$${name}` },
  ];
}

/** The edits that make the holder's list these restrictions; a service's list is written without blanks where that says the same. */
export function setList(holder: Holder, steps: readonly string[]): readonly Edit[] {
  const spaced = steps.join(", ");
  const dense = splitWords(spaced).map(denseBlock).join(",");
  return setValue(holder, holder.service !== undefined && !/\s/.test(dense) ? dense : spaced);
}

/** `{ inet:h:p, timeout=3s }` → `{inet:h:p,timeout=3s}`; a block with inner blocks keeps its blanks. */
function denseBlock(word: string): string {
  const inner = /^\{([^{}]*)\}$/.exec(word)?.[1];
  if (inner === undefined || /\s=|=\s/.test(inner)) return word;
  return `{${splitWords(inner).join(",")}}`;
}
