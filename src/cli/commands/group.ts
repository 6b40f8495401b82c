// `postvarta group list|show|add|remove`: who is in which group, through the daemon.

import { Command } from "commander";
import type { GroupAnswer, GroupChangeAnswer, GroupList } from "../../api/contract.ts";
import { Client, callerName } from "../client.ts";
import type { GlobalOptions } from "../global-options.ts";
import { safeText } from "../safe-text.ts";
import { Terminal } from "../terminal.ts";

interface ChangeOptions extends GlobalOptions {
  readonly dryRun?: boolean;
}

export function groupCommand(): Command {
  return new Command("group")
    .description("lists, shows and changes groups")
    .addCommand(listCommand())
    .addCommand(showCommand())
    .addCommand(changeCommand("add", "adds members; the next question is answered with them"))
    .addCommand(changeCommand("remove", "removes members"));
}

function listCommand(): Command {
  return new Command("list")
    .description("prints all groups")
    .addHelpText("after", "\nExample:\n  postvarta group list")
    .action(async (options: GlobalOptions) => {
      const terminal = new Terminal(options);
      const { groups } = await (await Client.open(options)).get<GroupList>("/groups");
      if (terminal.json) return terminal.printJson(groups);
      const rows = groups.map(({ name, members, enabled, comment }) => [
        name,
        members,
        enabled ? "yes" : "no",
        comment,
      ]);
      terminal.table(["GROUP", "MEMBERS", "ENABLED", "COMMENT"], rows);
    });
}

function showCommand(): Command {
  return new Command("show")
    .description("prints a group's members, the groups inside it, and the policies that use it")
    .argument("<name>")
    .addHelpText("after", "\nExample:\n  postvarta group show newuser")
    .action(async (name: string, options: GlobalOptions) => {
      const terminal = new Terminal(options);
      const group = await readGroup(name, await Client.open(options));
      if (terminal.json) return terminal.printJson(group);
      const state = group.enabled ? "" : ", not enabled";
      terminal.line(
        safeText(`${group.name}: ${group.members} members${state}${group.comment === "" ? "" : `, ${group.comment}`}`),
      );
      if (group.nested.length > 0) terminal.line(safeText(`holds the groups ${group.nested.join(", ")}`));
      terminal.line(
        group.used_by.length > 0 ? safeText(`used by the policies ${group.used_by.join(", ")}`) : "used by no policy",
      );
      for (const { member, origin } of group.list)
        terminal.line(
          `  ${safeText(member)}${origin === "file" ? "" : `  (${origin === "added" ? "added" : "under watch"})`}`,
        );
    });
}

/** All pages as one answer. */
async function readGroup(name: string, client: Client): Promise<Omit<GroupAnswer, "next">> {
  const { next, ...group } = await client.get<GroupAnswer>("/groups/show", { name });
  const list = [...group.list];
  for (let cursor = next; cursor !== null; ) {
    const page = await client.get<GroupAnswer>("/groups/show", { name, cursor });
    list.push(...page.list);
    cursor = page.next;
  }
  return { ...group, list };
}

function changeCommand(verb: "add" | "remove", help: string): Command {
  return new Command(verb)
    .description(help)
    .argument("<name>")
    .argument("<members...>", "items of the member language, such as $olena@example.org or @branch.example")
    .option("--dry-run", "say what would change, and change nothing")
    .addHelpText("after", `\nExample:\n  postvarta group ${verb} newuser '$olena@example.org'`)
    .action(async (name: string, members: readonly string[], options: ChangeOptions) => {
      const terminal = new Terminal(options);
      const body = { name, members, dry_run: options.dryRun === true, by: callerName() };
      const answer = await (await Client.open(options)).post<GroupChangeAnswer>(`/groups/${verb}`, body);
      if (terminal.json) return terminal.printJson(answer);
      const done = verb === "add" ? "added" : "removed";
      const was = verb === "add" ? "is there already" : "is not there";
      for (const member of answer.changed)
        terminal.line(`${answer.dry_run ? "would be " : ""}${done}: ${safeText(member)}`);
      for (const member of answer.unchanged) terminal.line(`${was}: ${safeText(member)}`);
    });
}
