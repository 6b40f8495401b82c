// The dialect of INI that Fail2ban's files are written in: Python's configparser with `#` and `;` comments, ` ;` inline.

import { Problem } from "../../core/problem.ts";

export interface IniValue {
  readonly text: string;
  /** file:line where the option stands. */
  readonly where: string;
}

export type IniSection = Map<string, IniValue>;

/** Lines of files that no person writes by hand end the reading. */
const linesMax = 100_000;

/** Sections in the order of the file; option names in lower case. A Problem when the text is not of the dialect. */
export function parseIni(text: string, path: string): Map<string, IniSection> {
  const lines = text.replace(/^\ufeff/, "").split(/\r\n|\r|\n/);
  if (lines.length > linesMax) throw syntax(path, linesMax, "the file is too long");
  const reader = new Reader(path);
  for (const [i, line] of lines.entries()) reader.see(line, i + 1);
  return reader.end();
}

function syntax(path: string, line: number, message: string): Problem {
  return new Problem(message, { code: "jails/syntax", where: `${path}:${line}` });
}

class Reader {
  readonly #path: string;
  readonly #sections = new Map<string, IniSection>();
  #section: IniSection | undefined;
  #option: { name: string; parts: string[]; line: number } | undefined;
  #indent = 0;

  constructor(path: string) {
    this.#path = path;
  }

  see(line: string, number: number): void {
    const { value, comment } = withoutComment(line);
    if (value === "") {
      if (!comment) this.#option?.parts.push("");
      return;
    }
    const indent = line.search(/\S/);
    if (this.#option !== undefined && indent > this.#indent) {
      this.#option.parts.push(value);
      return;
    }
    this.#indent = indent;
    this.#begin(value, number);
  }

  end(): Map<string, IniSection> {
    this.#finish();
    return this.#sections;
  }

  #begin(value: string, number: number): void {
    const header = /^\[(.+)\]/.exec(value)?.[1];
    if (header !== undefined) {
      this.#finish();
      if (this.#sections.has(header))
        throw syntax(this.#path, number, `the section ${header} stands twice in one file`);
      this.#section = new Map();
      this.#sections.set(header, this.#section);
      return;
    }
    if (this.#section === undefined) throw syntax(this.#path, number, "a line before the first section");
    const cut = value.search(/[=:]/);
    const name = cut <= 0 ? "" : value.slice(0, cut).trimEnd().toLowerCase();
    if (name === "") throw syntax(this.#path, number, "an option has no = or :");
    this.#finish();
    if (this.#section.has(name)) throw syntax(this.#path, number, `the option ${name} stands twice in one section`);
    this.#option = { name, parts: [value.slice(cut + 1).trim()], line: number };
  }

  #finish(): void {
    const option = this.#option;
    if (option === undefined) return;
    this.#section?.set(option.name, { text: option.parts.join("\n").trimEnd(), where: `${this.#path}:${option.line}` });
    this.#option = undefined;
  }
}

/** A whole line after `#` or `;`, and what follows a blank and `;`, is a comment. */
function withoutComment(line: string): { value: string; comment: boolean } {
  if (/^\s*[#;]/.test(line)) return { value: "", comment: true };
  for (let at = line.indexOf(";"); at >= 0; at = line.indexOf(";", at + 1)) {
    if (/\s/.test(line[at - 1] ?? " ")) return { value: line.slice(0, at).trim(), comment: true };
  }
  return { value: line.trim(), comment: false };
}
