// One Postfix question as the checks see it. Made by protocol.ts; nothing here is trusted.

import type { Ip } from "../core/ip.ts";

/** One question. Absent, empty and 0 all mean "not known" (SMTPD_POLICY_README). Texts are what the client wrote. */
export interface Request {
  /** protocol_state: RCPT, DATA, END-OF-MESSAGE, CONNECT, HELO, MAIL, VRFY, ETRN … */
  readonly state: string;
  /** Correlates all questions of one message; unique for one Postfix host only. Empty before MAIL FROM was accepted. */
  readonly instance: string;
  /** Empty on the first RCPT. */
  readonly queueId: string;
  /** Lower case; empty for `<>`. */
  readonly sender: string;
  /** Lower case; empty at DATA and END-OF-MESSAGE unless exactly one recipient was accepted. */
  readonly recipient: string;
  /** Accepted recipients; 0 except at DATA and END-OF-MESSAGE. */
  readonly recipientCount: number;
  /** Bytes: the declared SIZE= until END-OF-MESSAGE, the received bytes there; 0 = not declared. */
  readonly sizeBytes: number;
  /** The SASL login as logged in, lower case and trimmed of nothing; empty when not logged in. */
  readonly login: string;
  /** undefined when Postfix sent no plain address (`unknown`, a scoped address). Mapped IPv4 is IPv4. */
  readonly client: Ip | undefined;
  /** Forward-confirmed name, lower case; empty for `unknown`. */
  readonly clientName: string;
  /** PTR name without confirmation, lower case; empty for `unknown`. */
  readonly reverseName: string;
  readonly helo: string;
  readonly serverPort: number;
  readonly context: string;
  /** e.g. `TLSv1.3`; empty without TLS. */
  readonly tls: string;
  /** The Postfix host that asks; undefined on a Unix socket. */
  readonly peer: Ip | undefined;
  /** The request as received, for explain: name=value lines, latin1 text. */
  readonly raw: string;
}
