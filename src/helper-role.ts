// The helper process: the small server that holds the rights, and the firewall that it drives. The daemon is at the other end of its socket.

import type { Config, ReadConfig } from "./config/config.ts";
import type { Log } from "./core/log.ts";
import { Problem } from "./core/problem.ts";
import { HelperClient, HelperFirewall } from "./helper/helper-client.ts";
import { HelperServer } from "./helper/helper-server.ts";
import { QueueTools } from "./helper/queue-tools.ts";
import { Banning, type BanningOptions, createFirewall } from "./jails/banning.ts";
import { Tools } from "./jails/firewalls/tools.ts";

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
    owner: user === "" ? undefined : await findOwner(tools, user),
    firewall: createFirewall(config, tools, log),
    queue: new QueueTools(tools, config.postfix.config_directories, config.accounts.dovecot_config),
  });
  await server.start();
  return server;
}

async function findOwner(tools: Tools, user: string): Promise<{ readonly uid: number; readonly gid: number }> {
  const { status, stdout } = await tools.run("getent", ["passwd", "--", user]);
  const [, , uid, gid] = stdout.split(":");
  if (status === 0 && uid !== undefined && gid !== undefined) return { uid: Number(uid), gid: Number(gid) };
  throw new Problem(`there is no user ${user}`, { code: "config/bad-value", where: "helper.user" });
}

/** Those that need rights. */
const farFirewalls: ReadonlySet<string> = new Set(["nftables", "ipset", "pf"]);

/** The acting half of the jails, with its firewall in the helper where one is configured. */
export function joinHelper(
  stack: AsyncDisposableStack,
  options: BanningOptions & { readonly config: Pick<Config, "helper"> },
): { readonly banning: Banning; readonly helper: HelperClient | undefined } {
  const { jails, helper: settings } = options.config;
  const helper = settings.socket === "" ? undefined : stack.use(new HelperClient(settings.socket));
  const isFar = helper !== undefined && farFirewalls.has(jails.firewall);
  const kind = createFirewall(options.config, new Tools(), options.log);
  const far = isFar ? { helper: new HelperFirewall(helper, kind) } : {};
  return { banning: stack.use(new Banning({ ...options, ...far })), helper };
}
