// Why an item of the member language is refused, with the mend: a value, because a mistake of a person is expected.

export interface Refusal {
  readonly refused: true;
  readonly message: string;
  readonly hint: string;
}

export function refuse(message: string, hint: string): Refusal {
  return { refused: true, message, hint };
}

export function isRefusal(value: object): value is Refusal {
  return "refused" in value;
}

/** The text of a person between backquotes, cut where it is long. */
export function quote(text: string): string {
  return `\`${text.length > 80 ? `${text.slice(0, 80)}…` : text}\``;
}
