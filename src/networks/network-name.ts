// Names that registries and data files give: hostile text, shortened and printable.

const nameLengthMax = 120;

export function tameName(text: string): string {
  return text
    .replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, " ")
    .trim()
    .slice(0, nameLengthMax);
}
