// `postvarta check-config`: reads the configuration as the daemon would. Needs no daemon.

import { Command } from "commander";
import { readAccountsSettings } from "../../accounts/accounts-settings.ts";
import { readConfig } from "../../config/config.ts";
import { readTemplates } from "../../notify/templates.ts";
import { readCompileOptions } from "../../policy/compile-options.ts";
import type { GlobalOptions } from "../global-options.ts";
import { Terminal } from "../terminal.ts";

/** Exit 0 when all is well; the Problems of the configuration are thrown (78). */
export function checkConfigCommand(): Command {
  return new Command("check-config")
    .description("reads the configuration, its conf.d and the environment, and says what is wrong, with file:line")
    .argument("[file]", "the configuration file; same as --config")
    .addHelpText("after", "\nExample:\n  postvarta check-config /etc/postvarta/postvarta.toml")
    .action((file: string | undefined, options: GlobalOptions) => {
      const read = readConfig({ file: file ?? options.config, environment: process.env });
      readCompileOptions(read);
      readAccountsSettings(read);
      readTemplates(read.config.notices.templates);
      const { files } = read;
      const terminal = new Terminal(options);
      if (terminal.json) terminal.printJson({ ok: true, files });
      else terminal.line(files.length === 0 ? "ok: no file, defaults only" : `ok: ${files.join(", ")}`);
    });
}
