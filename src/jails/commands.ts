// The firewall of commands as a daemon has it: actions of the Fail2ban configuration, run here or elsewhere, with values from the store.

import type { Config } from "../config/config.ts";
import type { RunAction } from "../core/action.ts";
import type { Clock } from "../core/clock.ts";
import type { Network } from "../core/ip.ts";
import type { Log } from "../core/log.ts";
import { addCommanded, readCommanded, removeCommanded } from "../store/commanded-bans.ts";
import type { Store } from "../store/db.ts";
import { readActionBook } from "./action-book.ts";
import { banValues } from "./ban-values.ts";
import { type BlockMemory, CommandFirewall } from "./firewalls/command.ts";
import { demandOwned } from "./owned-files.ts";
import { ShellActions } from "./shell-actions.ts";

interface CommandsOptions {
  readonly config: Pick<Config, "jails" | "node">;
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  /** Runs them elsewhere, in the place of a shell of our own. */
  readonly runAction?: RunAction;
}

export function createCommands({ config, store, clock, log, runAction }: CommandsOptions): CommandFirewall {
  const shell = new ShellActions();
  return new CommandFirewall({
    readBook: () => {
      const book = readActionBook(config.jails, runAction === undefined ? demandOwned : undefined);
      shell.use(book);
      return book;
    },
    run: runAction ?? shell.run,
    hurry: () => shell.stop(),
    valuesOf: banValues(store, clock),
    memory: memoryOf(store, config.node.name),
    log,
  });
}

function memoryOf(store: Store, node: string): BlockMemory {
  const blockOf = ({ address, jail }: { readonly address: Network; readonly jail: string }) => ({
    ...{ address, jail, until: undefined, ports: undefined },
  });
  return {
    read: async () => (await readCommanded(store, node)).map(blockOf),
    add: (blocks) => addCommanded(store, node, blocks),
    remove: (blocks) => removeCommanded(store, node, blocks),
  };
}
