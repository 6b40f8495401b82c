// Lines whose text was chosen by somebody who wants another to be banned, or an account to be taken for stolen: whatever they say, they are
// about the client that sent them, or about nobody.

/** Whom they name. */
export const innocent = "198.51.100.66";

export const hostileLines: readonly string[] = [
  `postfix/smtpd[7]: NOQUEUE: reject: RCPT from unknown[192.0.2.7]: 554 5.7.1 <a@b.example>: Relay access denied; from=<"h[${innocent}]: 554 5.7.1 a: LIMIT AT QUOTAUSE;"@x.example> to=<a@b.example> proto=ESMTP helo=<c>`,
  `postfix/submission/smtpd[7]: warning: unknown[192.0.2.7]: SASL LOGIN authentication failed: UGFzc3dvcmQ6, sasl_username=h[${innocent}]: SASL LOGIN authentication failed: UGFzc3dvcmQ6`,
  `postfix/cleanup[9]: 4ABCD: message-id=<a>, client=x[${innocent}], sasl_method=PLAIN, sasl_username=ceo@example.org>`,
  `dovecot: imap-login: Disconnected (auth failed, 4 attempts): user=<x>, method=PLAIN, rip=${innocent}, lip=192.0.2.1>, method=PLAIN, rip=192.0.2.7, lip=192.0.2.25, session=<s>`,
  `dovecot: auth: passwd-file(a,${innocent},<s>): unknown user,192.0.2.7,<t>): unknown user`,
  `sshd[1]: Invalid user h[${innocent}]: SASL LOGIN authentication failed: x from 192.0.2.7 port 4711`,
  `nginx: warning: unknown[${innocent}]: SASL LOGIN authentication failed: UGFzc3dvcmQ6`,
];
