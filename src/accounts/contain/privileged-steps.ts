// What containing an account needs of somebody with more rights than we have: the helper's closed verbs. Where there is no helper,
// the same is said as commands that a person can run.

export interface PrivilegedSteps {
  /** postsuper -h, -H and -d; resolves with how many messages it took. Ids were checked here and are checked there again. */
  hold(queueIds: readonly string[]): Promise<number>;
  release(queueIds: readonly string[]): Promise<number>;
  remove(queueIds: readonly string[]): Promise<number>;
  /** doveadm kick; resolves with how many sessions ended. */
  kick(login: string): Promise<number>;
  /** Ends TCP connections by address and port of the other end; resolves with how many. */
  hangUp(connections: readonly (readonly [address: string, port: number])[]): Promise<number>;
}

/** A queue id of either kind of Postfix. */
const isQueueId = /^[A-Za-z0-9]{1,32}$/;

/** Ids in one command: a line of the shell has a limit. */
const idsShown = 50;

/** Only what is a queue id: these texts came from a log. */
export function safeIds(queueIds: readonly string[]): readonly string[] {
  return queueIds.filter((id) => isQueueId.test(id) && id !== "ALL");
}

/** `postsuper -h A B C`, one command for each fifty. */
export function postsuperLine(flag: "-h" | "-H" | "-d", queueIds: readonly string[]): string {
  const lines: string[] = [];
  for (let at = 0; at < queueIds.length; at += idsShown)
    lines.push(["postsuper", ...queueIds.slice(at, at + idsShown).flatMap((id) => [flag, id])].join(" "));
  return lines.join("; ");
}

/** `doveadm kick 'olena@example.org'`, safe in a shell. `config`: the file of Dovecot's configuration; empty: its own. */
export function kickLine(login: string, config = ""): string {
  return `doveadm ${config === "" ? "" : `-c ${quoted(config)} `}kick ${quoted(login)}`;
}

/** `ss -tK dst 192.0.2.1 dport = :40000` for each connection. */
export function hangUpLine(connections: readonly (readonly [address: string, port: number])[]): string {
  return connections.map(([address, port]) => `ss -tK dst ${address} dport = :${port}`).join("; ");
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
