import { deepStrictEqual, match, strictEqual, throws } from "node:assert/strict";
import { test } from "node:test";
import { fail2banFolder } from "../../../tests/fail2ban-folder.ts";
import { type JailAction, readAction } from "./action-reader.ts";
import { shellEnvironment } from "./shell-command.ts";

const raw = String.raw;

/** The three commands of a mail server's own action: ban, cut the live connections, write the list. */
const pf = raw`
[Definition]
actionstart =
actionstop =
actioncheck =
actionban = pfctl -t fail2ban -T add <ip>/32
            tcpdrop -la | egrep "(\.(25|465|110|995) )(<ip>)" | sh
            pfctl -t fail2ban -T show -q > /var/db/fail2ban.txt
actionunban = pfctl -t fail2ban -T delete <ip>/32
`;

/** In the manner of the action that sets of nftables are filled with. */
const sets = raw`
[Definition]
rule = $proto dport \{ $(echo '<port>' | sed s/:/-/g) \} <addr_family> saddr @<addr_set> <blocktype>
actionstart = <nftables> add table inet f2b-table
              <nftables> -- add chain inet f2b-table f2b-chain \{ type filter hook input priority -1 \; \}
              <nftables> add set inet f2b-table <addr_set> \{ type <addr_type>\; \}
              for proto in $(echo '<protocol>' | sed 's/,/ /g'); do
              <nftables> add rule inet f2b-table f2b-chain %(rule)s
              done
actionflush = <nftables> flush set inet f2b-table <addr_set>
actionban = <nftables> add element inet f2b-table <addr_set> \{ <ip> \}
actionunban = <nftables> delete element inet f2b-table <addr_set> \{ <ip> \}
[Init]
port = ssh
protocol = tcp
blocktype = reject
nftables = nft
addr_type = ipv4_addr
addr_set = addr-set-<name>
addr_family = ip
[Init?family=inet6]
addr_type = ipv6_addr
addr_set = addr6-set-<name>
addr_family = ip6
blocktype = reject with icmpv6 type port-unreachable
`;

const files = {
  "action.d/pf.conf": pf,
  "action.d/sets.conf": sets,
  "action.d/sets-and-mail.conf": sets.replace(
    "actionunban",
    raw`            printf %%b "<matches>" | mail -s "<name>: <F-USER>" root
actionunban`,
  ),
  "action.d/flags.conf":
    "[Definition]\nactionban = true\nnorestored = 1\nactionrepair_on_unban = yes\n[Init]\ntimeout = 2m\n",
};

function read(directory: string, name: string, parameters: Readonly<Record<string, string>> = {}): JailAction {
  const place = { directory, jail: "web", options: new Map([["bantime", "600"]]), where: "jail.conf:7" };
  return readAction({ name, parameters: new Map(Object.entries(parameters)) }, place);
}

test("three commands of an own action come through as they are, with values in the place of tags", (t) => {
  const action = read(fail2banFolder(t, files), "pf");
  strictEqual(
    action.commands.inet4.ban?.text,
    raw`pfctl -t fail2ban -T add "$f2bV_ip"/32
tcpdrop -la | egrep "(\.(25|465|110|995) )(${"$"}{f2bV_ip})" | sh
pfctl -t fail2ban -T show -q > /var/db/fail2ban.txt`,
  );
  strictEqual(action.commands.inet4.unban?.text, 'pfctl -t fail2ban -T delete "$f2bV_ip"/32');
  strictEqual(action.commands.inet4.start, undefined);
  strictEqual(action.startOnDemand, false);
  const environment = action.commands.inet4.ban && shellEnvironment(action.commands.inet4.ban, () => "192.0.2.1");
  deepStrictEqual(environment, { f2bV_ip: "192.0.2.1" });
});

test("<ip>/32 takes one address of IPv6, and the place is told", (t) => {
  const action = read(fail2banFolder(t, files), "pf");
  match(action.commands.inet6.ban?.text ?? "", /^pfctl -t fail2ban -T add "\$f2bV_ip"\/128$/m);
  strictEqual(action.commands.inet6.unban?.text, 'pfctl -t fail2ban -T delete "$f2bV_ip"/128');
  strictEqual(action.warnings.length, 1);
  match(action.warnings[0]?.line ?? "", /action\.d\/pf\.conf:6: <ip>\/32 .*<ip>\/128/);
});

test("each family has its own values of a conditional section", (t) => {
  const { commands, perFamily, startOnDemand } = read(fail2banFolder(t, files), "sets", { port: "25,465" });
  strictEqual(commands.inet4.ban?.text, raw`nft add element inet f2b-table addr-set-web \{ "$f2bV_ip" \}`);
  strictEqual(commands.inet6.ban?.text, raw`nft add element inet f2b-table addr6-set-web \{ "$f2bV_ip" \}`);
  match(commands.inet6.start?.text ?? "", /dport .*'25,465'.* ip6 saddr @addr6-set-web reject with icmpv6/);
  deepStrictEqual([perFamily, startOnDemand], [true, true]);
});

test("a parameter of the jail goes for both families", (t) => {
  const { commands } = read(fail2banFolder(t, files), "sets", { blocktype: "drop" });
  match(commands.inet6.start?.text ?? "", / drop\ndone$/);
});

test("a parameter for one family goes for that family", (t) => {
  const { commands } = read(fail2banFolder(t, files), "sets", { "blocktype?family=inet6": "drop" });
  match(commands.inet4.start?.text ?? "", / reject\ndone$/);
  match(commands.inet6.start?.text ?? "", / drop\ndone$/);
});

test("two actions of one file in one jail have names of their own", (t) => {
  const directory = fail2banFolder(t, files);
  strictEqual(read(directory, "sets").name, "sets");
  strictEqual(read(directory, "sets", { name: "web-all" }).name, "sets-all");
  strictEqual(read(directory, "sets", { name: "other" }).name, "sets-other");
  strictEqual(read(directory, "sets", { actname: "mine" }).name, "mine");
});

test("flags and the limit of time are read", (t) => {
  const action = read(fail2banFolder(t, files), "flags");
  deepStrictEqual(
    [action.notForRestored, action.repairOnUnban, action.startOnDemand, action.timeoutSeconds],
    [true, true, false, 120],
  );
});

test("what only fills a set is recognised, with its ports; what does more is not", (t) => {
  const directory = fail2banFolder(t, files);
  deepStrictEqual(read(directory, "sets", { port: "25,465,submission" }).native, {
    firewall: "nftables",
    ports: ["25", "465", "submission"],
    protocols: ["tcp"],
    answer: "reject",
  });
  deepStrictEqual(read(directory, "sets", { port: "0:65535", protocol: "tcp,udp" }).native?.ports, []);
  strictEqual(read(directory, "sets", { blocktype: "accept" }).native, undefined);
  strictEqual(read(directory, "sets-and-mail").native, undefined);
});

test("an own action of pf is recognised with its table and its list; a pipe to anything else is not", (t) => {
  const odd = [
    ["tcpdrop -la | egrep", "rm -rf / | egrep"],
    ['(<ip>)"', '(<ip>)$(id)"'],
    ["> /var/db", "| sh > /var/db"],
    ["-t fail2ban -T show", "-t other -T show"],
  ] as const;
  const more = odd.map(([from, to], i) => [`action.d/pf${i}.conf`, pf.replace(from, to)] as const);
  const directory = fail2banFolder(t, { ...files, ...Object.fromEntries(more) });
  deepStrictEqual(read(directory, "pf").native, {
    firewall: "pf",
    ports: [],
    protocols: [],
    answer: "drop",
    table: "fail2ban",
    listFile: "/var/db/fail2ban.txt",
  });
  for (const [i] of odd.entries()) strictEqual(read(directory, `pf${i}`).native, undefined, `pf${i}`);
});

test("what a log says reaches a command as a variable", (t) => {
  const ban = read(fail2banFolder(t, files), "sets-and-mail").commands.inet4.ban;
  match(ban?.text ?? "", /printf %b "\$\{f2bV_matches\}" \| mail -s "web: \$\{f2bV_F_user\}" root/);
  deepStrictEqual(
    ban?.variables.map((variable) => variable.tag),
    ["ip", "matches", "F-USER"],
  );
});

test("an action that is not there, or a program in Python, is told with its place", (t) => {
  const directory = fail2banFolder(t, files);
  throws(() => read(directory, "nowhere"), /there is no such file/);
  throws(
    () => read(directory, "smtp.py"),
    (error: { line?: string }) => error.line?.startsWith("jail.conf:7: the action smtp.py is a program") ?? false,
  );
});
