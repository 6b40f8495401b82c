// What a rig may be asked for, and its main.cf, master.cf and Dovecot configuration as text.
export interface PostfixRigOptions {
  /** Postfix asks `inet:127.0.0.1:policyPort` … */
  readonly policyPort?: number;
  /** … or this: what stands after check_policy_service, e.g. `{ inet:127.0.0.1:10031, timeout=3s }`. Neither: nobody is asked. */
  readonly policy?: string;
  /** Restrictions after reject_unauth_destination, so that other checks refuse what we accepted. */
  readonly restrictionsAfter?: readonly string[];
  /** main.cf parameters over the rig's own. */
  readonly parameters?: Readonly<Record<string, string>>;
  /** master.cf lines of further services; `freePort()` finds their ports. */
  readonly services?: readonly string[];
  /** Limit of smtpd processes of the first service; 100 by default. */
  readonly processLimit?: number;
  /** Dovecot also serves mailboxes on these ports of 127.0.0.1; clients come through a proxy (PROXY protocol). */
  readonly mailboxes?: MailboxPorts;
  /** discard (default), hold (stays in the hold queue) or file (`rig.delivered()` reads it). */
  readonly delivery?: "discard" | "hold" | "file";
  /** Further lines of Dovecot's passwd-file; with them logins reach it as they were typed. */
  readonly users?: string;
  /** A command that becomes Postfix and Dovecot, as `["ip", "netns", "exec", NAME]`; its ports are then found there only. */
  readonly wrap?: readonly string[];
}

export interface MailboxPorts {
  readonly imap: number;
  readonly pop3: number;
  readonly submission: number;
}

const userCount = 100;

/** main.cf: the seed's restrictions, loopback only; `options.parameters` win. */
export function mainCf(directory: string, uid: number, options: PostfixRigOptions): string {
  const call = policyCall(options);
  const recipient = [
    "permit_mynetworks",
    "reject_non_fqdn_sender",
    "permit_sasl_authenticated",
    "reject_unauth_destination",
  ];
  const parameters = {
    compatibility_level: "3.6",
    queue_directory: `${directory}/spool`,
    data_directory: `${directory}/data`,
    command_directory: "/usr/sbin",
    daemon_directory: "/usr/lib/postfix/sbin",
    mail_owner: "postfix",
    setgid_group: "postdrop",
    myhostname: "mail.example.test",
    mydomain: "example.test",
    mydestination: "",
    relay_domains: "example.test",
    mynetworks: "192.0.2.250/32",
    inet_interfaces: "127.0.0.1",
    inet_protocols: "ipv4",
    alias_maps: "",
    local_recipient_maps: "",
    maillog_file: `${directory}/mail.log`,
    maillog_file_prefixes: "/tmp, /var",
    smtpd_authorized_xclient_hosts: "127.0.0.1",
    smtpd_sasl_auth_enable: "yes",
    smtpd_sasl_type: "dovecot",
    smtpd_sasl_path: "private/auth",
    smtpd_sasl_security_options: "noanonymous",
    smtpd_error_sleep_time: "0",
    smtpd_hard_error_limit: "1000",
    smtpd_recipient_restrictions: [...call, ...recipient, ...(options.restrictionsAfter ?? [])].join(", "),
    smtpd_relay_restrictions: "permit_mynetworks, permit_sasl_authenticated, reject_unauth_destination",
    smtpd_end_of_data_restrictions: call.join(", "),
    anvil_rate_time_unit: "240s",
    smtpd_client_connection_rate_limit: "10",
    smtpd_client_event_limit_exceptions: "127.0.0.0/8",
    ...delivery(directory, uid, options),
    ...options.parameters,
  };
  return Object.entries(parameters)
    .map(([name, value]) => `${name} = ${value}\n`)
    .join("");
}

function policyCall({ policy, policyPort }: PostfixRigOptions): readonly string[] {
  if (policy !== undefined) return [`check_policy_service ${policy}`];
  return policyPort === undefined ? [] : [`check_policy_service inet:127.0.0.1:${policyPort}`];
}

/** Where accepted mail goes; nothing ever leaves the machine. */
function delivery(directory: string, uid: number, options: PostfixRigOptions): Readonly<Record<string, string>> {
  switch (options.delivery ?? "discard") {
    case "discard":
      return { default_transport: "discard", relay_transport: "discard" };
    case "hold":
      return { default_transport: "discard", relay_transport: "discard", header_checks: "static:HOLD" };
    case "file":
      return {
        default_transport: "virtual",
        relay_transport: "virtual",
        virtual_mailbox_base: `${directory}/mail`,
        virtual_mailbox_maps: "static:all",
        virtual_uid_maps: `static:${uid}`,
        virtual_gid_maps: `static:${uid}`,
      };
  }
}

/** master.cf: one smtpd on 127.0.0.1:port, further services of the options, and what Postfix itself needs; no chroot. */
export function masterCf(port: number, options: PostfixRigOptions): string {
  return `127.0.0.1:${port} inet n - n - ${options.processLimit ?? 100} smtpd
${(options.services ?? []).join("\n")}
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
proxywrite unix - - n - 1 proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
local unix - n n - - local
virtual unix - n n - - virtual
lmtp unix - - n - - lmtp
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
`;
}

/** Dovecot 2.3 as a SASL server, and with `mailboxes` as IMAP, POP3 and submission server; no delay after a wrong password. */
export function dovecotConf(directory: string, uid: number, port: number, options: PostfixRigOptions): string {
  const { mailboxes } = options;
  // Without a list every character may stand in a login, as `+`.
  const logins =
    options.users === undefined ? "auth_username_format = %Lu" : "auth_username_chars =\nauth_username_format = %u";
  return `base_dir = ${directory}/run
state_dir = ${directory}/run
log_path = ${directory}/dovecot.log
protocols = ${mailboxes === undefined ? "" : "imap pop3 submission"}
ssl = no
disable_plaintext_auth = no
auth_mechanisms = plain login
auth_failure_delay = 0
${logins}
${mailboxes === undefined ? "" : mailboxConf(directory, uid, port, mailboxes)}
passdb {
  driver = passwd-file
  args = ${directory}/dovecot/users
}
userdb {
  driver = static
  args = uid=${uid} gid=${uid} home=${directory}/mail/home
}
service anvil {
  chroot =
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
service auth {
  unix_listener ${directory}/spool/private/auth {
    mode = 0666
  }
}
`;
}

/** Names are not narrowed, so that hostile ones are looked up and logged; a refused password is told by auth too. */
function mailboxConf(directory: string, uid: number, port: number, ports: MailboxPorts): string {
  const service = (name: string, listener: string, port: number) => `service ${name}-login {
  service_count = 0
  inet_listener ${listener} {
    address = 127.0.0.1
    port = ${port}
    haproxy = yes
  }
}
`;
  return `haproxy_trusted_networks = 127.0.0.1
login_trusted_networks = 127.0.0.1
auth_verbose = yes
auth_username_chars =
first_valid_uid = ${uid}
mail_location = maildir:${directory}/mail/%u
submission_relay_host = 127.0.0.1
submission_relay_port = ${port}
service imap-login {
  inet_listener imaps {
    port = 0
  }
}
service pop3-login {
  inet_listener pop3s {
    port = 0
  }
}
service submission-login {
  inet_listener submissions {
    port = 0
  }
}
${service("imap", "imap", ports.imap)}${service("pop3", "pop3", ports.pop3)}${service("submission", "submission", ports.submission)}service stats {
  chroot =
}
`;
}

/** user0 … user99@example.test with the password "secret". */
export function userLines({ users = "" }: PostfixRigOptions): string {
  const lines = Array.from({ length: userCount }, (_, n) => `user${n}@example.test:{PLAIN}secret::::::\n`);
  return lines.join("") + users;
}
