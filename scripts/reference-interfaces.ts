// The reference pages of what others call: the command line, the API, the figures. Made from the commands, the contract's
// schemas and the metrics themselves.

import { Command } from "commander";
import { z } from "zod";
import { routes } from "../src/api/app.ts";
import { addBanGauges } from "../src/api/ban-gauges.ts";
import { apiRoot, problemAnswer } from "../src/api/contract.ts";
import { addDaemonGauges } from "../src/api/daemon-gauges.ts";
import { addJailGauges } from "../src/api/jail-gauges.ts";
import { addLogGauges } from "../src/api/log-gauges.ts";
import { PolicyMeasures } from "../src/api/policy-measures.ts";
import type { Route } from "../src/api/route.ts";
import { exitCodes } from "../src/cli/exit-code.ts";
import { addGlobalOptions } from "../src/cli/global-options.ts";
import { verbs } from "../src/cli/program.ts";
import { Metrics } from "../src/core/metrics.ts";

/** Columns of the help texts: what a page shows without scrolling. */
const helpColumns = 100;

const noDaemon = () => Promise.reject(new Error("the reference runs nothing"));

/** Every verb that does something, with its whole name. */
export async function leafCommands(): Promise<readonly (readonly [name: string, command: Command])[]> {
  const commands = await Promise.all(
    verbs.map((verb) => verb.load({ giveUpRights: noDaemon, daemon: noDaemon, helper: noDaemon })),
  );
  const leaves = (command: Command, before: string): (readonly [string, Command])[] => {
    const name = `${before} ${command.name()}`;
    return command.commands.length === 0 ? [[name, command]] : command.commands.flatMap((inner) => leaves(inner, name));
  };
  const program = new Command("postvarta");
  for (const command of commands) program.addCommand(command);
  addGlobalOptions(program);
  return commands.flatMap((command) => leaves(command, "postvarta"));
}

/** The text of `--help`. */
export function helpOf(command: Command): string {
  const lines: string[] = [];
  command.configureOutput({ writeOut: (text) => lines.push(text), getOutHelpWidth: () => helpColumns });
  command.outputHelp();
  return lines.join("").trimEnd();
}

export async function cliLines(): Promise<readonly string[]> {
  const sections = (await leafCommands()).flatMap(([name, command]) => {
    return [`## ${name}`, "", "```", helpOf(command), "```", ""];
  });
  const meanings: Readonly<Record<keyof typeof exitCodes, string>> = {
    ok: "done",
    failed: "failed, or a step of it; `doctor`, `jail check`: there is something to mend",
    usage: "the command line is not understood",
    unreachable: "the daemon does not answer on its control socket",
    nothing: "nothing is known under this name, or nothing stood there",
    refused: "refused: what is trusted, what must come first, or what cannot work",
    config: "the configuration is wrong",
  };
  const codes = Object.entries(exitCodes).map(
    ([name, code]) => `| ${code} | ${Object.entries(meanings).find(([key]) => key === name)?.[1] ?? ""} |`,
  );
  return [
    "`postvarta VERB …`. Options stand before or after the verb. Mistakes go to stderr, one a line, as",
    '`where: what is wrong: what mends it`; with `--json` as `{"problems":[{"code","message","where","hint"}]}`.',
    "Text that came from a log or a client is shown with its control and direction characters as codes.",
    "",
    "| exit code | meaning |",
    "| --- | --- |",
    ...codes,
    "",
    ...sections,
  ];
}

export function apiLines(): readonly string[] {
  return [
    "On the control socket (`[control] socket`, mode 0660): whoever may open it may do everything. `[api] listen` has",
    "`/healthz`, `/readyz` (503 with the reasons while not ready) and `/metrics`, and no other route.",
    "",
    "POST takes a JSON body, GET a query. Times are ISO 8601 in UTC; what is absent is `null`. An unknown key is refused.",
    "Try one: `curl --unix-socket /run/postvarta/control.sock http://localhost/api/v1/status`.",
    "",
    ...routes.flatMap(routeLines),
    "## Problems",
    "",
    "Everything that goes wrong is answered as `application/problem+json` (RFC 9457):",
    "",
    ...tableOf(problemAnswer, "output"),
  ];
}

function routeLines(route: Route): readonly string[] {
  const input = tableOf(route.input, "input");
  const takes = input.length > 2 ? ["Takes:", "", ...input, ""] : [];
  const head = [`## ${route.method} ${apiRoot}${route.path}`, "", route.help, ""];
  return [...head, ...takes, "Answers:", "", ...tableOf(route.answer, "output"), ""];
}

export function metricsLines(): readonly string[] {
  const metrics = new Metrics();
  new PolicyMeasures(metrics);
  addBanGauges(metrics, undefined);
  addDaemonGauges(metrics, undefined);
  addLogGauges(metrics, () => undefined);
  addJailGauges(metrics, () => undefined);
  return [
    "`GET /metrics` on `[api] listen` and on the control socket, in Prometheus' text format 0.0.4. No label holds an account,",
    "an address or a queue id.",
    "",
    "| name | type | meaning |",
    "| --- | --- | --- |",
    ...metrics.list().map(({ name, labels, type, help }) => {
      const label = labels.length === 0 ? "" : `{${labels.join(",")}}`;
      return `| \`${name}${label}\` | ${type} | ${help} |`;
    }),
  ];
}

/** A node of JSON Schema 2020-12, as far as the contract makes use of it. */
const nodeSchema = z.object({
  type: z.union([z.string(), z.array(z.string())]).optional(),
  description: z.string().optional(),
  const: z.unknown().optional(),
  enum: z.array(z.unknown()).optional(),
  format: z.string().optional(),
  required: z.array(z.string()).optional(),
  get properties() {
    return z.record(z.string(), nodeSchema).optional();
  },
  get items() {
    return nodeSchema.optional();
  },
  get anyOf() {
    return z.array(nodeSchema).optional();
  },
  get oneOf() {
    return z.array(nodeSchema).optional();
  },
  get additionalProperties() {
    return z.union([z.boolean(), nodeSchema]).optional();
  },
});
type Node = z.output<typeof nodeSchema>;

function tableOf(schema: z.ZodType, io: "input" | "output"): readonly string[] {
  const root = nodeSchema.parse(z.toJSONSchema(schema, { io, unrepresentable: "any", reused: "inline" }));
  return ["| key | value | meaning |", "| --- | --- | --- |", ...rowsOf(root, "", io)];
}

function rowsOf(node: Node, path: string, io: "input" | "output"): readonly string[] {
  return Object.entries(node.properties ?? {}).flatMap(([key, entry]) => {
    const name = path === "" ? key : `${path}.${key}`;
    const optional = io === "input" && node.required?.includes(key) !== true ? "optional" : "";
    const inner = alternatives(entry).flatMap((one) => {
      if (one.properties !== undefined) return rowsOf(one, name, io);
      const items = one.items === undefined ? [] : alternatives(one.items);
      return items.flatMap((item) => rowsOf(item, `${name}[]`, io));
    });
    const meaning = [entry.description ?? "", optional].filter((part) => part !== "").join(" ");
    return [
      `| \`${name}\` | ${valueText(entry).replaceAll("|", "\\|")} | ${meaning.replaceAll("|", "\\|")} |`,
      ...inner,
    ];
  });
}

function alternatives(node: Node): readonly Node[] {
  return node.anyOf ?? node.oneOf ?? [node];
}

function valueText(node: Node): string {
  const several = node.anyOf ?? node.oneOf;
  if (several !== undefined) return [...new Set(several.map(valueText))].join(" or ");
  if (node.const !== undefined) return `\`${JSON.stringify(node.const)}\``;
  if (node.enum !== undefined) return node.enum.map((value) => `\`${JSON.stringify(value)}\``).join(", ");
  if (node.format === "date-time") return "time";
  if (node.type === "array") return `list of ${node.items === undefined ? "anything" : valueText(node.items)}`;
  if (node.type === "object") return node.properties === undefined ? "object of names to values" : "object";
  return (typeof node.type === "object" ? node.type : [node.type ?? "anything"]).map(typeText).join(" or ");
}

function typeText(type: string): string {
  return type === "string" ? "text" : type;
}
