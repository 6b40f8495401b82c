// Where in a shell's text one stands: in a word, between quotes, in arithmetic, in a comment or a here-document. As much of the
// shell's language (POSIX, "Shell Command Language" 2.2, 2.3, 2.6, 2.7.4) as it takes to put a variable there in the right form.

type Place = "word" | "double" | "single" | "arithmetic" | "comment" | "verbatim";

interface Frame {
  readonly kind: "word" | "double" | "single" | "arithmetic" | "comment" | "command" | "backtick" | "braces";
  /** Open parentheses within. */
  depth: number;
}

interface HereDocument {
  readonly end: string;
  readonly tabs: boolean;
  readonly verbatim: boolean;
}

/** Follows a text sign by sign. */
export class ShellText {
  readonly #frames: Frame[] = [{ kind: "word", depth: 0 }];
  readonly #documents: HereDocument[] = [];
  #document: HereDocument | undefined;
  #wordStart = true;

  get place(): Place {
    if (this.#document !== undefined) return this.#document.verbatim ? "verbatim" : "double";
    const { kind } = this.#top;
    switch (kind) {
      case "command":
      case "backtick":
      case "word":
        return "word";
      case "braces":
        return this.#frames.at(-2)?.kind === "double" ? "double" : "word";
      default:
        return kind;
    }
  }

  /** Something that is no sign of the shell's stood here. */
  sawWord(): void {
    this.#wordStart = false;
  }

  /** Takes in what stands at `at`; the number of signs that belong together there. */
  step(text: string, at: number): number {
    const length = this.#document === undefined ? this.#take(text, at) : this.#takeDocument(text, at);
    this.#wordStart = /[\s;|&()]/.test(text[at + length - 1] ?? "");
    return length;
  }

  get #top(): Frame {
    return this.#frames.at(-1) ?? { kind: "word", depth: 0 };
  }

  #take(text: string, at: number): number {
    const { kind } = this.#top;
    const sign = text[at] ?? "";
    if (kind === "comment") {
      if (sign !== "\n") return 1;
      this.#frames.pop();
      return this.#take(text, at);
    }
    if (kind === "single") {
      if (sign === "'") this.#frames.pop();
      return 1;
    }
    if (sign === "\\") return Math.min(2, text.length - at);
    const opened = this.#open(text, at);
    if (opened > 0) return opened;
    return this.#close(sign, text, at);
  }

  #open(text: string, at: number): number {
    const { kind } = this.#top;
    const begin = (frame: Frame["kind"], length: number): number => {
      this.#frames.push({ kind: frame, depth: 0 });
      return length;
    };
    if (text.startsWith("$((", at)) return begin("arithmetic", 3);
    if (text.startsWith("$(", at)) return begin("command", 2);
    if (text.startsWith("${", at)) return begin("braces", 2);
    const sign = text[at];
    if (sign === '"' && kind !== "double" && kind !== "arithmetic") return begin("double", 1);
    if (sign === "`" && kind !== "backtick") return begin("backtick", 1);
    const plain = kind === "word" || kind === "command" || kind === "backtick";
    if (sign === "'" && (plain || (kind === "braces" && this.place === "word"))) return begin("single", 1);
    if (sign === "#" && plain && this.#wordStart) return begin("comment", 1);
    return plain ? this.#openDocument(text, at) : 0;
  }

  #openDocument(text: string, at: number): number {
    // Three of them are bash's here-string: one word, no document.
    if (text[at - 1] === "<") return 0;
    hereDocument.lastIndex = at;
    const found = hereDocument.exec(text);
    if (found === null) return 0;
    const word = found[2] ?? "";
    this.#documents.push({
      end: word.replace(/["'\\]/g, ""),
      tabs: found[1] === "-",
      verbatim: /["'\\]/.test(word),
    });
    return found[0].length;
  }

  #close(sign: string, text: string, at: number): number {
    const frame = this.#top;
    if (frame.kind === "double" && sign === '"') this.#frames.pop();
    else if (frame.kind === "backtick" && sign === "`") this.#frames.pop();
    else if (frame.kind === "braces" && sign === "}") this.#frames.pop();
    else if (frame.kind === "command" || frame.kind === "arithmetic") return this.#parenthesis(frame, text, at);
    if (sign === "\n" && this.place === "word") this.#document = this.#documents.shift();
    return 1;
  }

  #parenthesis(frame: Frame, text: string, at: number): number {
    const sign = text[at];
    if (sign === "(") frame.depth++;
    else if (sign === ")" && frame.depth > 0) frame.depth--;
    else if (sign === ")") {
      this.#frames.pop();
      return frame.kind === "arithmetic" && text[at + 1] === ")" ? 2 : 1;
    } else if (sign === "\n") this.#document = this.#documents.shift();
    return 1;
  }

  #takeDocument(text: string, at: number): number {
    const { end, tabs } = this.#document ?? { end: "", tabs: false };
    const lineEnd = text.indexOf("\n", at);
    const line = text.slice(at, lineEnd < 0 ? text.length : lineEnd);
    const lineStart = at === 0 || text[at - 1] === "\n";
    if (!lineStart || (tabs ? line.replace(/^\t+/, "") : line) !== end) return 1;
    this.#document = this.#documents.shift();
    return Math.max(1, line.length);
  }
}

const hereDocument = /<<(-?)[ \t]*((?:"[^"\n]*"|'[^'\n]*'|\\?[\w.-])+)/y;
