// Reads a Postfix configuration: postconf(1) where it is, the two files themselves where it is not.
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";
import { Problem } from "../../core/problem.ts";
import { splitFields } from "./macro.ts";
import type { PostfixSetup, SmtpdService } from "./setup.ts";

const run = promisify(execFile);
const postconfTimeoutMs = 20_000;
const outputBytesMax = 8 * 1024 * 1024;

/** Defaults of Postfix 3.6 and later, used only where postconf is not there to tell (postconf(5)). */
const defaults: Readonly<Record<string, string>> = {
  smtpd_relay_restrictions: "permit_mynetworks, permit_sasl_authenticated, defer_unauth_destination",
  smtpd_delay_reject: "yes",
  smtpd_policy_service_timeout: "100s",
  smtpd_policy_service_max_idle: "300s",
  smtpd_policy_service_max_ttl: "1000s",
  smtpd_policy_service_default_action: "451 4.3.5 Server configuration problem",
  smtpd_client_connection_rate_limit: "0",
  smtpd_client_connection_count_limit: "50",
  smtpd_client_auth_rate_limit: "0",
  smtpd_client_message_rate_limit: "0",
  smtpd_client_recipient_rate_limit: "0",
  queue_directory: "/var/spool/postfix",
};

/** The setup of one directory, told by `program` where there is one. Throws a Problem postfix/unreadable. */
export async function inspectPostfix(directory: string, program = "postconf"): Promise<PostfixSetup> {
  const [parameters, services] = await Promise.all([postconf(program, directory), postconf(program, directory, "-M")]);
  const texts =
    parameters === undefined || services === undefined ? await readFiles(directory) : [parameters, services];
  return parseSetup(directory, texts[0] ?? "", texts[1] ?? "");
}

/** The setup that the text of main.cf (or postconf's output) and master.cf (or `postconf -M`) describe. */
export function parseSetup(directory: string, mainText: string, masterText: string): PostfixSetup {
  const parameters = new Map(Object.entries(defaults));
  for (const [name, value] of parseMainCf(mainText)) parameters.set(name, value);
  return { directory, parameters, services: parseMasterCf(masterText) };
}

/** postconf's output, undefined when there is no postconf; its complaints are a Problem. */
async function postconf(program: string, directory: string, ...words: readonly string[]): Promise<string | undefined> {
  // The path is fixed: doctor often runs as root, and PATH of a user has no sbin.
  const env = { PATH: "/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin", LC_ALL: "C" };
  try {
    const options = { env, timeout: postconfTimeoutMs, maxBuffer: outputBytesMax };
    return (await run(program, ["-c", directory, ...words], options)).stdout;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    const said = error instanceof Error && "stderr" in error ? String(error.stderr).trim() : String(error);
    const hint = said.split("\n").find((line) => line.includes("fatal")) ?? said.split("\n")[0];
    throw new Problem("postconf cannot read this configuration", {
      code: "postfix/unreadable",
      where: directory,
      hint,
    });
  }
}

async function readFiles(directory: string): Promise<readonly string[]> {
  try {
    return [await readFile(`${directory}/main.cf`, "utf8"), await readFile(`${directory}/master.cf`, "utf8")];
  } catch (error) {
    const hint = `postconf is not there either (${error instanceof Error ? error.message : String(error)})`;
    throw new Problem("main.cf or master.cf cannot be read", { code: "postfix/unreadable", where: directory, hint });
  }
}

/** `name = value` of each logical line; the last one wins (postconf(5)). */
function parseMainCf(text: string): readonly (readonly [string, string])[] {
  return logicalLines(text).flatMap((line) => {
    const match = /^(\w+)\s*=\s*(.*)$/.exec(line);
    return match === null ? [] : [[match[1] ?? "", (match[2] ?? "").trim()] as const];
  });
}

/** The smtpd services of master.cf (master(5): name type private unprivileged chroot wakeup maxproc command). */
function parseMasterCf(text: string): readonly SmtpdService[] {
  return logicalLines(text).flatMap((line) => {
    const [name, type, , , chroot, , , command, ...words] = splitFields(line);
    if (command !== "smtpd") return [];
    return [{ name: `${name}/${type}`, chroot: chroot === "y", overrides: parseOverrides(words) }];
  });
}

/** `-o name=value` and `-o { name = value }`. */
function parseOverrides(words: readonly string[]): ReadonlyMap<string, string> {
  const overrides = new Map<string, string>();
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? "";
    const text = word === "-o" ? words[++at] : /^-o./.test(word) ? word.slice(2) : undefined;
    const match = /^(\w+)\s*=\s*([\s\S]*)$/.exec((text ?? "").replace(/^\{\s*([\s\S]*?)\s*\}$/, "$1"));
    if (match !== null) overrides.set(match[1] ?? "", match[2] ?? "");
  }
  return overrides;
}

/** Lines without comments, continuation lines (they begin with a blank) joined. */
function logicalLines(text: string): readonly string[] {
  const lines: string[] = [];
  for (const line of text.split("\n")) {
    if (/^\s*(#|$)/.test(line)) continue;
    const last = lines.length - 1;
    if (/^\s/.test(line) && last >= 0) lines[last] = `${lines[last]} ${line.trim()}`;
    else lines.push(line.trim());
  }
  return lines;
}
