// Stand-ins for FreeBSD's pfctl and tcpdrop where there are none: they keep tables, rules and connections in files, write down how they
// were called, and know the options that we use. Shell, because a process of ours would cost more than what is tested.

import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const pfctl = (directory: string) => `#!/bin/sh
d='${directory}'
{ printf pfctl; printf ' [%s]' "$@"; echo; } >> "$d/calls"
anchor=main table= command= show= file= state= flush= words=
while [ $# -gt 0 ]; do
  case $1 in
    -a) anchor=$(echo "$2" | tr / _); shift 2 ;;
    -t) table=$2; shift 2 ;;
    -T) command=$2; shift 2 ;;
    -s) show=$2; shift 2 ;;
    -f) file=$2; shift 2 ;;
    -k) state=$2; shift 2 ;;
    -F) flush=$2; shift 2 ;;
    -q) shift ;;
    -*) echo "pfctl: illegal option" >&2; exit 1 ;;
    *) words="$words $1"; shift ;;
  esac
done
plain() { while read -r a; do
  case $a in *[!0-9a-f:./]* | '') echo "pfctl: cannot parse $a" >&2; exit 1 ;; *:*) echo "\${a%/128}" ;; *) echo "\${a%/32}" ;; esac
done; }
t="$d/$anchor.table.$table"
case $command in
  '') ;;
  add | replace)
    [ "$command" = add ] && touch "$t" || : > "$t"
    if [ "$file" = - ]; then plain > "$t.more"; else for w in $words; do echo "$w"; done | plain > "$t.more"; fi || exit 1
    sort -u "$t" "$t.more" > "$t.all"; mv "$t.all" "$t"; exit 0 ;;
  delete | show | flush)
    [ -f "$t" ] || { echo "pfctl: Table does not exist." >&2; exit 255; }
    case $command in
      show) sed 's/^/   /' "$t" ;;
      flush) : > "$t" ;;
      delete) for w in $words; do echo "$w"; done | plain > "$t.less"; grep -vxF -f "$t.less" "$t" > "$t.all"; mv "$t.all" "$t" ;;
    esac
    exit 0 ;;
  *) exit 1 ;;
esac
[ "$show" = info ] && cat "$d/info"
[ "$show" = rules ] && [ -f "$d/$anchor.rules" ] && cat "$d/$anchor.rules"
[ "$file" = - ] && grep -v '^table' > "$d/$anchor.rules"
[ "$flush" = rules ] && : > "$d/$anchor.rules"
[ "$flush" = Tables ] && rm -f "$d/$anchor.table."*
exit 0
`;

/** With `deaf`, connections stay whatever it is told. */
const tcpdrop = (directory: string) => `#!/bin/sh
d='${directory}'
{ printf tcpdrop; printf ' [%s]' "$@"; echo; } >> "$d/calls"
case $1 in
  -*) [ -f "$d/connections" ] && cat "$d/connections"; exit 0 ;;
esac
[ -f "$d/deaf" ] && exit 0
grep -vxF "tcpdrop $1 $2 $3 $4" "$d/connections" > "$d/left"
mv "$d/left" "$d/connections"
echo "$1 $2 $3 $4: dropped"
`;

/** `rules`: what `pfctl -s rules` says in the beginning. */
export class FakePf {
  readonly directory: string;
  /** For PATH. */
  readonly programs: string;

  constructor(directory: string, rules = "block drop in quick from <fail2ban> to any\n") {
    this.directory = directory;
    this.programs = join(directory, "bin");
    mkdirSync(this.programs, { recursive: true });
    for (const [name, text] of [
      ["pfctl", pfctl(directory)],
      ["tcpdrop", tcpdrop(directory)],
    ] as const) {
      writeFileSync(join(this.programs, name), text);
      chmodSync(join(this.programs, name), 0o755);
    }
    if (!existsSync(this.#path("info"))) this.write("info", "Status: Enabled for 3 days 02:14:10\n");
    if (!existsSync(this.#path("main.rules"))) this.write("main.rules", rules);
  }

  get calls(): readonly string[] {
    return this.read("calls")
      .split("\n")
      .filter((line) => line !== "");
  }

  /** A table by the name of its file: `main.table.fail2ban`. */
  read(file: string): string {
    return existsSync(this.#path(file)) ? readFileSync(this.#path(file), "utf8") : "";
  }

  write(file: string, text: string): void {
    writeFileSync(this.#path(file), text);
  }

  #path(file: string): string {
    return join(this.directory, file);
  }
}
