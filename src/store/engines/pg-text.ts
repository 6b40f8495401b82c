// Texts as PostgreSQL takes them. It has no NUL in a text, and we have keys that come from clients.

/** NUL as 01 01 and 01 as 01 02: no text loses anything, and the order of bytes stays. */
export function escapeNul(text: string): string {
  return /[\0\x01]/.test(text) ? text.replaceAll("\x01", "\x01\x02").replaceAll("\0", "\x01\x01") : text;
}

/** The reverse of escapeNul. */
export function unescapeNul(text: string): string {
  return text.includes("\x01") ? text.replaceAll("\x01\x01", "\0").replaceAll("\x01\x02", "\x01") : text;
}

/** For texts that nobody looks up: a NUL leaves as the replacement character. */
export function withoutNul(text: string): string {
  return text.includes("\0") ? text.replaceAll("\0", "\ufffd") : text;
}

/** An array literal of texts (PostgreSQL manual, 8.15.6): half the work of what the driver does for any value. */
export function textArray(values: readonly string[]): string {
  let text = "{";
  for (let i = 0; i < values.length; i++) text += (i === 0 ? "" : ",") + quote(values[i] ?? "");
  return `${text}}`;
}

export function numberArray(values: readonly number[]): string {
  return `{${values.join(",")}}`;
}

function quote(text: string): string {
  return /["\\]/.test(text) ? `"${text.replace(/["\\]/g, "\\$&")}"` : `"${text}"`;
}
