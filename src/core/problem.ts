// People's mistakes: a value with a code, a place and the mend. Rendered in two places only: the CLI and the API.

/** Every code a Problem may carry, with the sentence that docs/reference/problems.md prints for it. */
export const problemCodes = {
  "config/unreadable": "A configuration file cannot be read.",
  "config/syntax": "A file is not valid TOML or JSON.",
  "config/unknown-key": "A key is not known here; the nearest known key is named.",
  "config/bad-value": "A value is of the wrong type or outside what is allowed.",
  "config/secret": "A *_FILE variable or setting names a file that cannot be read.",
  "rules/unknown-key": "A key of the policies file is not known here; the nearest known key is named.",
  "rules/bad-value": "A value of the policies file is of the wrong type or outside what is allowed.",
  "rules/bad-member": "A source, destination or group member is not in the member language.",
  "rules/unknown-group": "A member names a group that does not exist.",
  "rules/group-cycle": "A group contains itself, directly or through other groups.",
  "rules/bad-track": "A Track is not one of Sender, Recipient, SASLUsername, SenderIP, Policy with its spec.",
  "rules/duplicate-name": "Two policies, groups or quotas of one policy have the same name.",
  "rules/not-built": "The rule kind is known and not available in this version.",
  "rules/bad-text": "A verdict's text cannot be sent to Postfix as it is.",
  "group/unknown": "No group has this name.",
  "policy/bad-request": "The text is not a request of Postfix's policy protocol.",
  "quota/unknown-key": "No counter has this key and no account this name.",
  "quota/bad-raise": "The new limit or its end cannot be understood.",
  "accounts/unknown": "Nothing is known of this account.",
  "accounts/bad-mark": "What should be said of an account cannot be understood.",
  "accounts/password": "An account is given back only after its password was changed.",
  "bans/bad-address": "Not an address or network that can be banned, or a name that can be trusted.",
  "bans/bad-time": "The length of a ban or of trust cannot be understood.",
  "firewall/failed": "The firewall did not do what it was told.",
  "helper/no-start": "The helper that a daemon of root's starts did not start.",
  "listen/address": "An address to listen on cannot be used.",
  "listen/not-loopback": "A policy listener beyond loopback needs an allow list.",
  "store/locked": "Another Postvarta uses this store.",
  "store/unusable": "The store cannot be opened.",
  "store/newer": "The store was written by a newer version.",
  "store/not-empty": "A store that should be copied to holds something already.",
  "store/url": "The store's URL is not understood.",
  "control/unreachable": "The daemon does not answer on its control socket.",
  "control/refused": "The daemon refused the call.",
  "input/unreadable": "A file that a verb was given cannot be read.",
  "api/no-route": "The API has no such route here.",
  "api/bad-request": "A call of the API is not of the shape that its route takes.",
  "api/too-large": "A call of the API is larger than its route takes.",
  "api/internal": "Postvarta met a fault of its own; its log has the details.",
  "networks/data": "The data about networks are missing or damaged.",
  "explain/nothing-found": "Nothing is known under this name.",
  "notices/unknown-channel": "No channel of notices has this name.",
  "postfix/unreadable": "Postfix's configuration cannot be read.",
  "logs/unreadable": "A log file cannot be read.",
  "logs/source": "A source of log lines cannot be opened.",
  "logs/replaying": "Old logs are being replayed, and one replay runs at a time.",
  "jails/unreadable": "A file of a Fail2ban configuration cannot be read.",
  "jails/syntax": "A file of a Fail2ban configuration is not in its language.",
  "jails/bad-value": "An option of a Fail2ban configuration has a value that cannot be used.",
  "jails/regex": "A regular expression of a filter cannot run; the construct is named.",
  "jails/warning": "A part of a Fail2ban configuration runs otherwise than it is written, or not safely.",
  "jails/unsafe-file": "A file whose commands are run with our rights can be changed by others.",
  "jails/unknown": "No jail has this name.",
  usage: "The command line is not understood.",
} as const;

export type ProblemCode = keyof typeof problemCodes;

export interface ProblemDetails {
  readonly code: ProblemCode;
  /** file:line, an option, or a name: what to look at. */
  readonly where?: string | undefined;
  /** The mend: what is allowed, the nearest known word, the command to run. */
  readonly hint?: string | undefined;
}

/** A mistake of a person, with the place and the mend. `message` says what is wrong, without place or mend. */
export class Problem extends Error {
  override readonly name = "Problem";
  readonly code: ProblemCode;
  readonly where: string | undefined;
  readonly hint: string | undefined;

  constructor(message: string, details: ProblemDetails) {
    super(message);
    this.code = details.code;
    this.where = details.where;
    this.hint = details.hint;
  }

  /** `where: what is wrong: the mend`, the one-line form of the interface. */
  get line(): string {
    return [this.where, this.message, this.hint].filter((part) => part !== undefined && part !== "").join(": ");
  }
}

/** Several Problems of one file, found in one reading, so that a person mends them all at once. */
export class Problems extends Error {
  override readonly name = "Problems";
  readonly list: readonly Problem[];

  constructor(list: readonly Problem[]) {
    super(list.map((problem) => problem.line).join("\n"));
    this.list = list;
  }
}

/** What was caught, in its own words. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
