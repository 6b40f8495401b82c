// Makes the reference pages that derive from the code: `node scripts/reference.ts` writes them, `--check` exits 1 and
// names those that are stale.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { parseDocument } from "../src/config/document.ts";
import { allowedText, type Outline, outlineOf } from "../src/config/outline.ts";
import { configSchema } from "../src/config/sections.ts";
import { problemCodes } from "../src/core/problem.ts";
import { firewalls } from "../src/jails/firewalls/index.ts";
import { sources } from "../src/logs/sources/index.ts";
import { parseRules } from "../src/policy/rules-file.ts";
import { rulesSchema } from "../src/policy/rules-schema.ts";
import { accountsLines } from "./reference-accounts.ts";
import { apiLines, cliLines, metricsLines } from "./reference-interfaces.ts";

const root = join(import.meta.dirname, "..");

const made = "<!-- Made by `node scripts/reference.ts`. Change the schema, not this page. -->";

/** Each page's path below the project, and the text it should have. */
export async function referencePages(): Promise<ReadonlyMap<string, string>> {
  return new Map([
    ["docs/reference/accounts.md", page("Stolen accounts", accountsLines())],
    ["docs/reference/api.md", page("HTTP API", apiLines())],
    ["docs/reference/cli.md", page("Command line", await cliLines())],
    ["docs/reference/metrics.md", page("Metrics", metricsLines())],
    ["docs/reference/config.md", configPage()],
    ["docs/reference/policies-file.md", policiesPage()],
    ["docs/reference/problems.md", problemsPage()],
  ]);
}

/** The paths of pages that are missing or have another text. */
export function stalePages(pages: ReadonlyMap<string, string>): string[] {
  return [...pages].filter(([path, text]) => readPage(path) !== text).map(([path]) => path);
}

function readPage(path: string): string | undefined {
  try {
    return readFileSync(join(root, path), "utf8");
  } catch {
    return undefined;
  }
}

const configExample = `[policy]
listen = ["127.0.0.1:10031", "unix:/run/postvarta/policy.sock"]
mode = "observe"

[store]
url_file = "/run/secrets/store-url"

[[logs]]
path = "/var/log/mail.log"

[accounts]
default_domain = "example.com"
`;

function configPage(): string {
  parseDocument(configExample, "example.toml");
  const outline = outlineOf(configSchema);
  return page("Configuration", [
    "`/etc/postvarta/postvarta.toml`, then `conf.d/*.toml` beside it in the order of their names. A later file wins, key by key;",
    "a list replaces the earlier list. Every key has a default: without any file the daemon runs with what stands below.",
    "",
    "The environment wins over all files: `POSTVARTA__SECTION__KEY`, as `POSTVARTA__POLICY__MODE=observe` or",
    "`POSTVARTA__JAILS__TRUST__ADDRESSES=192.0.2.0/24,2001:db8::/32`. Lists are written with commas or as JSON.",
    "A secret may stand in a file of its own: `url_file` in the place of `url`, `POSTVARTA__STORE__URL_FILE` in the",
    "environment; one line end at its end is cut.",
    "",
    "An unknown key or a bad value ends the start with exit code 78; every mistake is told at once, as",
    "`file:line: what is wrong: what is allowed`. `postvarta check-config` tells them without starting.",
    "",
    fence(configExample),
    ...sections(outline, "", []),
    "## Sources of log lines",
    "",
    row(["source", "what it does"]),
    row(["---", "---"]),
    ...sources.map(({ kind, help }) => row([kind, help])),
    "",
    "## Firewalls",
    "",
    row(["`[jails] firewall`", "what it does"]),
    row(["---", "---"]),
    ...Object.entries(firewalls).map(([name, { help }]) => row([name, help])),
  ]);
}

const policiesExample = `[[groups]]
name = "newuser"
members = ["$noman", "@branch.example"]

[[groups]]
name = "internal_domains"
members = ["@example.com"]

[[policies]]
name = "newusers to not internal"
priority = 20
members = [{ source = "%newuser", destination = "!%internal_domains" }]

[[policies.quotas]]
name = "newuser hour"
track = "SASLUsername"
text = "LIMIT AT QUOTAUSE"
limits = [
  { count = "recipients", max = 100, per = "1h" },
  { count = "kilobytes", max = 51200, per = "1d" },
]
`;

function policiesPage(): string {
  parseRules(policiesExample, "example.toml");
  return page("Policies file", [
    "TOML, or JSON of the same shape. `postvarta policy apply FILE` makes it the rules, `postvarta policy export` prints the",
    "rules as such a file. A file with one mistake changes nothing; every mistake is told at once, as",
    "`file:line: what is wrong: what is allowed`. Odd texts are accepted with a warning.",
    "",
    fence(policiesExample),
    ...sections(outlineOf(rulesSchema), "", []),
  ]);
}

function problemsPage(): string {
  const rows = Object.entries(problemCodes)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([code, meaning]) => row([`\`${code}\``, meaning]));
  return page("Problems", [
    "Every mistake that is told carries one of these codes, in `--json` output and in the API.",
    "",
    row(["code", "meaning"]),
    row(["---", "---"]),
    ...rows,
  ]);
}

function page(title: string, lines: readonly string[]): string {
  return [`# ${title}`, "", made, "", ...lines, ""].join("\n");
}

function fence(text: string): string {
  return `\`\`\`toml\n${text}\`\`\`\n`;
}

/** A heading and a table for each table of a schema, outermost first. */
function sections(outline: Outline, name: string, heading: readonly string[]): string[] {
  const entries = Object.entries(outline.properties ?? {});
  const inner = entries.flatMap(([key, entry]) => {
    const path = name === "" ? key : `${name}.${key}`;
    if (entry.items?.properties !== undefined) return sections(entry.items, path, headingOf(`[[${path}]]`, entry));
    return entry.properties === undefined ? [] : sections(entry, path, headingOf(`[${path}]`, entry));
  });
  const rows = entries
    .filter(([, entry]) => entry.properties === undefined && entry.items?.properties === undefined)
    .map(([key, entry]) => keyRow(key, entry, outline.required?.includes(key) === true));
  const head = [row(["key", "value", "default", "meaning"]), row(["---", "---", "---", "---"])];
  return [...heading, ...(rows.length === 0 ? [] : [...head, ...rows, ""]), ...inner];
}

function headingOf(title: string, entry: Outline): string[] {
  return [`## \`${title}\``, "", entry.description ?? "", ""];
}

function keyRow(key: string, entry: Outline, required: boolean): string {
  if (entry.notBuilt === true) return row([`\`${key}\``, "", "", entry.description ?? ""]);
  const names = entry.secret === true ? `\`${key}\` or \`${key}_file\`` : `\`${key}\``;
  return row([names, allowedText(entry), required ? "needed" : defaultOf(entry), entry.description ?? ""]);
}

function defaultOf(entry: Outline): string {
  if (entry.defaultText !== undefined) return entry.defaultText;
  return entry.default === undefined ? "" : `\`${JSON.stringify(entry.default)}\``;
}

function row(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const pages = await referencePages();
  const stale = stalePages(pages);
  if (process.argv.includes("--check")) {
    for (const path of stale) process.stderr.write(`${path} is stale: run node scripts/reference.ts\n`);
    process.exitCode = stale.length === 0 ? 0 : 1;
  } else {
    for (const path of stale) writeFileSync(join(root, path), pages.get(path) ?? "");
  }
}
