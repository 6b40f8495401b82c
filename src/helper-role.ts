// The helper process: the small server that holds the rights, and the firewall that it drives. The daemon is at the other end of its socket.

import type { Config, ReadConfig } from "./config/config.ts";
import type { ActionCall, RunAction } from "./core/action.ts";
import type { Log } from "./core/log.ts";
import { Problem } from "./core/problem.ts";
import { HelperClient, HelperFirewall } from "./helper/helper-client.ts";
import { HelperServer } from "./helper/helper-server.ts";
import { QueueTools } from "./helper/queue-tools.ts";
import { readActionBook } from "./jails/action-book.ts";
import { Banning, type BanningOptions, createFirewall } from "./jails/banning.ts";
import { isNative } from "./jails/firewalls/index.ts";
import { Tools } from "./jails/firewalls/tools.ts";
import { demandOwned } from "./jails/owned-files.ts";
import { ShellActions } from "./jails/shell-actions.ts";

/** Listens until it is disposed. `owner`: the user that the daemon runs as. Throws a Problem config/bad-value without a socket. */
export async function startHelper({ config }: ReadConfig, log: Log): Promise<AsyncDisposable> {
  const { socket, user } = config.helper;
  if (socket === "") {
    throw new Problem("no socket for the helper", {
      code: "config/bad-value",
      where: "helper.socket",
      hint: 'a path, as in socket = "/run/postvarta/helper/helper.sock"',
    });
  }
  const tools = new Tools();
  const server = new HelperServer({
    ...{ socket, log, trusted: config.jails.trust.addresses },
    owner: user === "" ? undefined : await findUser(user),
    firewall: createFirewall(config, tools, log),
    runAction: actionRunner(config),
    queue: new QueueTools(tools, config.postfix.config_directories, config.accounts.dovecot_config),
  });
  await server.start();
  return server;
}

/** An action that the daemon knows and we do not may be newer than our reading, and files that were refused may be mended. */
const readAgainMs = 10_000;

/** The text of a command is known here from files that only root, or we, can write. They are read again now and then, not at every call. */
function actionRunner({ jails }: Pick<Config, "jails">): RunAction {
  const shell = new ShellActions();
  let readAt = Number.NEGATIVE_INFINITY;
  let refusal: unknown;
  return async (call) => {
    if (!shell.has(call) && performance.now() - readAt > readAgainMs) {
      readAt = performance.now();
      refusal = undefined;
      try {
        shell.use(readActionBook(jails, demandOwned));
      } catch (error) {
        refusal = error;
      }
    }
    if (refusal !== undefined && !shell.has(call)) throw refusal;
    return shell.run(call);
  };
}

export interface User {
  readonly uid: number;
  readonly gid: number;
  readonly groups: readonly number[];
}

/** By name or number. Throws a Problem config/bad-value when there is none. */
export async function findUser(user: string): Promise<User> {
  const tools = new Tools();
  const ask = async (what: string) => (await tools.run("id", [what, "--", user])).stdout.trim();
  const [uid = "", gid = "", groups = ""] = [await ask("-u"), await ask("-g"), await ask("-G")];
  if (uid === "" || gid === "")
    throw new Problem(`there is no user ${user}`, { code: "config/bad-value", where: "helper.user" });
  return { uid: Number(uid), gid: Number(gid), groups: groups.split(" ").map(Number) };
}

/** The acting half of the jails, with its firewall in the helper where one is configured. */
export function joinHelper(
  stack: AsyncDisposableStack,
  options: BanningOptions & { readonly config: Pick<Config, "helper"> },
): { readonly banning: Banning; readonly helper: HelperClient | undefined } {
  const { jails, helper: settings } = options.config;
  const helper = settings.socket === "" ? undefined : stack.use(new HelperClient(settings.socket));
  const far =
    helper === undefined || !isNative(jails.firewall)
      ? {}
      : { helper: new HelperFirewall(helper, createFirewall(options.config, new Tools(), options.log)) };
  const act = helper === undefined ? {} : { runAction: (call: ActionCall) => helper.runAction(call) };
  return { banning: stack.use(new Banning({ ...options, ...far, ...act })), helper };
}
