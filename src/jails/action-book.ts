// The actions of a Fail2ban configuration by jail, and of bans that no jail of it gave: what there is to run.

import type { Config } from "../config/config.ts";
import { type JailAction, readAction } from "./fail2ban/action-reader.ts";
import type { SeeFile } from "./fail2ban/config-files.ts";
import { readJails } from "./fail2ban/jail-reader.ts";
import { parseNamed } from "./fail2ban/parameters.ts";

type Jails = Pick<Config["jails"], "fail2ban" | "firewall" | "action">;

/** What the action of other bans has in the place of a jail's name. */
const otherName = "postvarta";

/** By jail; the empty name is for bans of jails that have none of their own. */
export type ActionBook = ReadonlyMap<string, readonly JailAction[]>;

/**
 * With `firewall = "command"` every action is run as it is written. Another firewall does itself what it recognises, and the rest is run
 * beside it. Throws a Problem when the directory, or the action of other bans, cannot be read.
 */
export function readActionBook({ fail2ban, firewall, action }: Jails, sees?: SeeFile): ActionBook {
  const book = new Map<string, readonly JailAction[]>();
  if (fail2ban === "" || firewall === "policy-only" || firewall === "dry-run") return book;
  const isCommand = firewall === "command";
  const { jails, problems } = readJails(fail2ban, { sees });
  const unsafe = problems.find(({ code }) => code === "jails/unsafe-file");
  if (unsafe !== undefined) throw unsafe;
  for (const { name, actions } of jails) {
    const own = actions.filter(({ native }) => isCommand || native === undefined);
    if (own.length > 0) book.set(name, own);
  }
  if (!isCommand || action === "") return book;
  const place = {
    directory: fail2ban,
    jail: otherName,
    options: new Map<string, string>(),
    where: "jails.action",
    sees,
  };
  const others = parseNamed(action, "jails.action").map((named) => readAction(named, place));
  return book.set("", others);
}

/** The actions that a ban of a jail runs, and the name that they stand under. */
export function actionsOf(
  book: ActionBook,
  jail: string,
): { readonly name: string; readonly actions: readonly JailAction[] } {
  const own = book.get(jail);
  return own === undefined ? { name: "", actions: book.get("") ?? [] } : { name: jail, actions: own };
}
