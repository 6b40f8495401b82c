// Levels: the word that Dovecot puts before what it says.

/** Behind `Info: `; undefined for the levels that quote what clients sent (Debug) or tell of our own trouble. */
export function afterLevel(text: string): string | undefined {
  if (text.startsWith("Info: ")) return text.slice(6);
  return /^(?:Debug|Warning|Error|Fatal|Panic): /.test(text) ? undefined : text;
}
