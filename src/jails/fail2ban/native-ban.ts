// Which actions come to no more than "refuse what comes from this address to these ports": recognised by the shape of their
// commands, not by their names, so that a file that somebody changed is run as he changed it.

/** A ban that a firewall of ours can put into the kernel in batches. */
export interface NativeBan {
  readonly firewall: "nftables" | "ipset" | "iptables" | "pf" | "ufw" | "firewalld";
  /** As the configuration has them: numbers, names, `a:b`; all ports when it is empty. */
  readonly ports: readonly string[];
  /** Empty: all protocols. */
  readonly protocols: readonly string[];
  readonly answer: "drop" | "reject";
  /** pf: the table, where the rules that ask it are not the action's own. */
  readonly table?: string;
  /** pf: where the action writes what the table holds. */
  readonly listFile?: string;
}

type Texts = ReadonlyMap<string, string>;

interface Shape {
  readonly firewall: NativeBan["firewall"];
  readonly ban: RegExp;
  readonly unban: RegExp;
  /** What `start` must say, with the groups `match` and `answer` where they are. */
  readonly start: RegExp;
}

const word = String.raw`[^\s<>;&|$\x60'"]+`;
/** `for proto in $(echo 'tcp,udp' | sed 's/,/ /g'); do … done` around the rules, or not. */
const loop = String.raw`(?:for proto in \$\(echo '(?<protocols>[\w,-]*)' \| sed 's\/,\/ \/g'\); do\n)?`;
const done = String.raw`(?:\ndone)?`;
const iptables = "ip6?tables(?: -w| <lockingopt>)?";
/** -p tcp -m multiport --dports 25,465 / -p tcp --dport 25 / -p tcp. */
const iptablesMatch = String.raw`-p (?<proto>\$proto|[\w-]+)(?: -m multiport)?(?: --dports? (?<ports>[\w,:-]+))?`;
/** `{ iptables -C …; } || {` before a rule that may stand already. */
const checked = String.raw`(?:\{ ${iptables} -C [^\n{}]+; \} \|\| \{ )?`;
const target = String.raw`(?<answer>DROP|REJECT)(?: --reject-with [\w-]+)?`;

function whole(source: string): RegExp {
  return new RegExp(`^${source}$`, "s");
}

/** In the order they are asked. */
const shapes: readonly Shape[] = [
  {
    firewall: "nftables",
    ban: whole(String.raw`nft add element \w+ ${word} ${word} \\\{ <ip> \\\}`),
    unban: whole(String.raw`nft delete element \w+ ${word} ${word} \\\{ <ip> \\\}`),
    start: whole(
      String.raw`nft add table [^\n]+\nnft -- add chain [^\n]+\nnft add set [^\n]+\n${loop}nft add rule \w+ ${word} ${word} (?:(?:\$proto|(?<proto>\w+)) dport \\\{ (?:\$\(echo '(?<ports>[\w,:-]+)' \| sed s\/:\/-\/g\)|(?<plain>[\w,:-]+)) \\\}|meta l4proto \\\{ (?<all>[\w, -]+) \\\}) ip6? saddr @${word} (?<answer>drop|reject)(?: with [\w -]+)?${done}`,
    ),
  },
  {
    firewall: "ipset",
    ban: whole(String.raw`ipset (?:-exist add|add) ${word} <ip>(?: timeout \d+)?(?: -exist)?`),
    unban: whole(`ipset (?:-exist del|del) ${word} <ip>(?: -exist)?`),
    start: whole(
      String.raw`ipset (?:-exist )?create ${word} hash:ip[^\n]*\n${loop}${checked}${iptables} -I ${word} (?:\d+ )?(?:${iptablesMatch} )?-m set --match-set ${word} src -j ${target}(?:; \})?${done}`,
    ),
  },
  {
    firewall: "iptables",
    ban: whole(`${iptables} -I ${word} 1 -s <ip> -j ${target}`),
    unban: whole(`${iptables} -D ${word} -s <ip> -j ${target.replace("?<answer>", "?:")}`),
    start: whole(
      String.raw`${checked}${iptables} -N ${word}(?: \|\| true)?(?:; |\n)${iptables} -A ${word} -j RETURN(?:; \})?\n${loop}${checked}${iptables} -I ${word} (?:\d+ )?${iptablesMatch} -j ${word}(?:; \})?${done}`,
    ),
  },
  {
    firewall: "pf",
    // An address in the table; the connections that it has cut; the list written.
    ban: whole(
      String.raw`pfctl(?: -a ${word})?(?: -q)? -t (?<table>${word})(?: -q)? -T add <ip>(?:\/32|\/128)?(?:\ntcpdrop -la \| (?:egrep|grep -E) (?<quote>["'])[^"'\n$\x60]*<ip>[^"'\n$\x60]*\k<quote> \| sh)?(?:\npfctl(?: -q)? -t \k<table> -T show(?: -q)? > (?<list>\/[\w.\/-]+))?`,
    ),
    unban: whole(
      String.raw`pfctl(?: -a ${word})?(?: -q)? -t ${word}(?: -q)? -T delete <ip>(?:\/32|\/128)?(?:\npfctl(?: -q)? -t ${word} -T show(?: -q)? > \/[\w.\/-]+)?`,
    ),
    start: whole(
      String.raw`(?:echo "table <${word}> persist counters" \| pfctl -a ${word} -f-\nport="(?<ports>[\w,{} :-]*)"; if [^\n]+\necho "(?<block>block[\w ]*) proto (?<proto>\w+|\{[\w, ]+\}) from <${word}> to (?<to>any(?: port \$port)?)" \| pfctl -a ${word} -f-)?`,
    ),
  },
  {
    firewall: "firewalld",
    ban: whole(String.raw`ipset -exist add ${word} <ip>(?: timeout \d+)?`),
    unban: whole(`ipset -exist del ${word} <ip>`),
    start: whole(
      String.raw`ipset -exist create ${word} hash:ip[^\n]*\nfirewall-cmd --direct --add-rule ipv[46] filter ${word} 0 ${iptablesMatch} -m set --match-set ${word} src -j ${target}`,
    ),
  },
];

/** What the commands of both families come to; undefined when one of them does something else, or something more. */
export function recogniseNativeBan(texts: Readonly<Record<"inet4" | "inet6", Texts>>): NativeBan | undefined {
  for (const shape of shapes) {
    const four = recognise(shape, texts.inet4);
    const six = recognise(shape, texts.inet6);
    if (four !== undefined && six !== undefined && JSON.stringify(four) === JSON.stringify(six)) return four;
  }
  return undefined;
}

function recognise(shape: Shape, texts: Texts): NativeBan | undefined {
  const get = (operation: string) =>
    (texts.get(operation) ?? "")
      .trim()
      .replace(/[ \t]+/g, " ")
      .replace(/\n+ ?/g, "\n");
  if (!shape.unban.test(get("unban")) || get("prolong") !== "" || get("reban") !== "") return undefined;
  const ban = shape.ban.exec(get("ban"));
  const start = shape.start.exec(get("start"));
  if (ban === null || start === null) return undefined;
  const found: Readonly<Record<string, string | undefined>> = { ...start.groups, ...ban.groups };
  const isNamed = shape.firewall === "pf" && get("start") === "" && found["table"] !== undefined;
  const answer = (start.groups?.["answer"] ?? ban.groups?.["answer"] ?? "drop").toLowerCase();
  return {
    firewall: shape.firewall,
    // A rule that names no port is for all of them, whatever `port` says.
    ports: found["to"] === "any" ? [] : words(found["ports"] ?? found["plain"]),
    protocols: words(found["all"] ?? found["protocols"] ?? found["proto"]),
    answer: answer === "reject" || /\breturn\b/.test(found["block"] ?? "") ? "reject" : "drop",
    ...(isNamed ? { table: found["table"] ?? "" } : {}),
    ...(found["list"] === undefined ? {} : { listFile: found["list"] }),
  };
}

/** `any` and the whole range of ports are no choice. */
function words(text: string | undefined): readonly string[] {
  const list = (text ?? "").split(/[\s,{}]+/).filter((one) => one !== "" && one !== "$proto");
  return list.some((one) => /^(?:any|all|0[:-]65535)$/.test(one)) ? [] : list;
}
