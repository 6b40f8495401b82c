// The tags of Fail2ban's regular expressions (`<HOST>`, `<F-USER>…</F-USER>`): what each becomes in Python's language.

const ip4 = String.raw`(?:::f{4,6}:)?(?P<ip4>(?:\d{1,3}\.){3}\d{1,3})`;
const ip6 = `(?P<ip6>(?:[0-9a-fA-F]{1,4}::?|:){1,7}(?:[0-9a-fA-F]{1,4}|(?<=:):))`;
const address = String.raw`\[?(?:${ip4}|${ip6})\]?`;
const dns = String.raw`(?P<dns>[\w\-.^_]*\w)`;
const cidr = String.raw`(?P<cidr>\d+)`;

const wholes: Readonly<Record<string, string>> = {
  "<IP4>": ip4,
  "<F-IP4/>": ip4,
  "<IP6>": ip6,
  "<F-IP6/>": ip6,
  "<ADDR>": address,
  "<F-ADDR/>": address,
  "<DNS>": dns,
  "<F-DNS/>": dns,
  "<CIDR>": cidr,
  "<F-CIDR/>": cidr,
  "<SUBNET>": String.raw`\[?(?:${ip4}|${ip6})(?:/${cidr})?\]?`,
  "<F-SUBNET/>": String.raw`\[?(?:${ip4}|${ip6})(?:/${cidr})?\]?`,
  "<F-ID/>": String.raw`(?P<fid>\S+)`,
  "<F-PORT/>": String.raw`(?P<fport>\w+)`,
};

const groupNames: Readonly<Record<string, string>> = { ID: "fid", PORT: "fport", IP4: "ip4", IP6: "ip6", DNS: "dns" };

/** Python's text of a regular expression with tags. Without `names`, `<HOST>` takes addresses alone. */
export function replaceRegexTags(text: string, options: { names: boolean }): string {
  const open = new Set<string>();
  let skips = 0;
  const replaced = text.replace(/<[^\s<>]+>/g, (tag) => {
    if (tag === "<HOST>" || tag === "<F-HOST/>") return options.names ? `(?:${address}|${dns})` : address;
    if (tag === "<SKIPLINES>") return String.raw`\n(?P<skiplines${skips++}>(?:(?:.*\n)*?))`;
    const whole = wholes[tag];
    if (whole !== undefined) return whole;
    const named = /^<(\/?)F-([A-Z0-9_-]+)>$/.exec(tag);
    if (named?.[2] === undefined) return tag;
    if (named[1] === "/") return open.has(named[2]) ? ")" : tag;
    open.add(named[2]);
    return `(?P<${groupNames[named[2]] ?? named[2].toLowerCase()}>`;
  });
  // Flags in the middle are an error in Python; Fail2ban makes them the group's.
  return replaced.replace(/(?<!\\)\((?:\?:)?\(\?([a-z]+)\)/g, "(?$1:");
}
