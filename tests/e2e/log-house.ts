// A mail server whose every session is known: Postfix under several names and Dovecot with IMAP, POP3 and submission, all behind a
// proxy, so that each session has an address of its own. What they log is read by `log events`.

import { execFile } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { freePort, type PostfixRig, startPostfixRig } from "./postfix-rig.ts";
import { recordingPolicy } from "./recording-policy.ts";

const run = promisify(execFile);
const main = new URL("../../src/main.ts", import.meta.url).pathname;

/** The services of Postfix by what they are called in master.cf or in the log, and those of Dovecot. */
export interface LogPorts {
  /** Takes XCLIENT; the others take a proxy's line. */
  readonly xclient: number;
  readonly submission: number;
  /** syslog_name mx-in, few connections, messages and recipients a client. */
  readonly limited: number;
  readonly postscreen: number;
  /** Asks a policy that refuses. */
  readonly refused: number;
  /** Asks a policy that is not there. */
  readonly policyDown: number;
  readonly imap: number;
  readonly pop3: number;
  readonly mailSubmission: number;
}

/** What `log events` printed for one line. */
export type SeenEvent = Readonly<Record<string, string | number | null>>;

export class LogHouse implements AsyncDisposable {
  readonly rig: PostfixRig;
  readonly ports: LogPorts;
  readonly #policy: AsyncDisposable;

  private constructor(rig: PostfixRig, ports: LogPorts, policy: AsyncDisposable) {
    this.rig = rig;
    this.ports = ports;
    this.#policy = policy;
  }

  static async start(): Promise<LogHouse> {
    const policy = await recordingPolicy("REJECT LIMIT AT QUOTAUSE");
    const [submission, limited, postscreen, refused, policyDown, nobody] = await freePorts();
    const [imap, pop3, mailSubmission] = await freePorts();
    const rig = await startPostfixRig({
      mailboxes: { imap, pop3, submission: mailSubmission },
      parameters: {
        transport_maps: `inline:{{bounce.test=virtual:},{later.test=smtp:[127.0.0.1]:${nobody}}}`,
        inet_protocols: "all",
        virtual_mailbox_base: "/tmp",
        virtual_mailbox_maps: "inline:{none@bounce.test=none}",
        virtual_uid_maps: "static:65534",
        virtual_gid_maps: "static:65534",
        smtpd_policy_service_retry_delay: "1s",
        smtpd_policy_service_max_idle: "1s",
        postscreen_greet_action: "enforce",
        postscreen_greet_wait: "2s",
        postscreen_upstream_proxy_protocol: "haproxy",
        postscreen_cache_map: "btree:$data_directory/postscreen",
      },
      services: [
        `${proxied(submission)} -o syslog_name=postfix/submission -o smtpd_client_port_logging=yes ${noLimits}`,
        `${proxied(limited)} -o syslog_name=mx-in -o smtpd_client_connection_rate_limit=3 -o smtpd_client_message_rate_limit=2 -o smtpd_client_recipient_rate_limit=3 -o smtpd_client_auth_rate_limit=2`,
        `${proxied(refused)} ${noLimits} -o { smtpd_recipient_restrictions = check_policy_service inet:127.0.0.1:${policy.port} }`,
        `${proxied(policyDown)} ${noLimits} -o { smtpd_recipient_restrictions = check_policy_service inet:127.0.0.1:${nobody}, reject }`,
        `127.0.0.1:${postscreen} inet n - n - 1 postscreen`,
        "smtpd pass - - n - - smtpd",
        "dnsblog unix - - n - 0 dnsblog",
        "tlsproxy unix - - n - 0 tlsproxy",
      ],
    });
    const ports = {
      xclient: rig.port,
      submission,
      limited,
      postscreen,
      refused,
      policyDown,
      imap,
      pop3,
      mailSubmission,
    };
    return new LogHouse(rig, ports, policy);
  }

  /** The logs when nothing has been written for two seconds, or after 20 s. */
  async settled(): Promise<{ readonly postfix: string; readonly dovecot: string }> {
    const files = { postfix: this.rig.mailLogFile, dovecot: `${this.rig.directory}/dovecot.log` };
    let lines = -1;
    for (let tries = 0, quiet = 0; tries < 20 && quiet < 2; tries++) {
      const count = this.rig.mailLog().length + this.rig.dovecotLog().length;
      quiet = count === lines ? quiet + 1 : 0;
      lines = count;
      await sleep(1_000);
    }
    return files;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.rig[Symbol.asyncDispose]();
    await this.#policy[Symbol.asyncDispose]();
  }
}

const noLimits = "-o smtpd_client_connection_rate_limit=0";

function proxied(port: number): string {
  return `127.0.0.1:${port} inet n - n - 20 smtpd -o smtpd_upstream_proxy_protocol=haproxy`;
}

async function freePorts(): Promise<[number, number, number, number, number, number]> {
  return await Promise.all([freePort(), freePort(), freePort(), freePort(), freePort(), freePort()]);
}

/** What `log events --kinds all` says of a file. */
export async function eventsOf(file: string): Promise<readonly SeenEvent[]> {
  const year = String(new Date().getFullYear());
  const { stdout, stderr } = await run(
    process.execPath,
    [main, "log", "events", "--log", file, "--kinds", "all", "--year", year],
    { maxBuffer: 32 * 1024 * 1024, timeout: 60_000 },
  );
  if (stderr !== "") throw new Error(stderr);
  return stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as SeenEvent);
}
