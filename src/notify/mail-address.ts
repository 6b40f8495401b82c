// Whether an account is an address that mail can be sent to. It came from a log: nothing in it may become a second address, a header
// or an option of sendmail.

const addressMax = 254;
const address = /^[\p{L}\p{N}_][\p{L}\p{N}._+=~'&/-]*@[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?$/u;

export function isMailAddress(text: string): boolean {
  return text.length <= addressMax && address.test(text);
}
