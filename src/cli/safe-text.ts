// Text that came from a log or a client, made harmless for a terminal: what could move, hide or turn is shown as a code.

/** C0, C1, DEL, zero width, bidi controls (Trojan Source, CVE-2021-42574), line and paragraph separators, tags, lone surrogates. */
const unsafe =
  /[\p{Cc}\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}\p{Cs}]/gu;

/** The text on one line: `\u{1b}` for an ESC. */
export function safeText(text: string): string {
  return text.replace(unsafe, (ch) => `\\u{${(ch.codePointAt(0) ?? 0).toString(16)}}`);
}
