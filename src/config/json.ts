// JSON text (RFC 8259, nothing more) → tree with places. The parser is jsonc-parser with its comforts off, because it tells lines.

import { type ParseErrorCode, printParseErrorCode, visit } from "jsonc-parser";
import { Problem } from "../core/problem.ts";
import { depthMax, type Leaf, newTable, type Place, type Table, type Tree } from "./tree.ts";

/** The tree of a JSON text whose outermost value is an object. Throws a Problem config/syntax with file:line. */
export function parseJson(text: string, fileName: string): Table {
  const builder = new TreeBuilder(fileName);
  const line = (zeroBased: number) => zeroBased + 1;
  try {
    visit(
      text,
      {
        onObjectBegin: (_offset, _length, start) => builder.open("table", line(start)),
        onObjectEnd: () => builder.close(),
        onArrayBegin: (_offset, _length, start) => builder.open("list", line(start)),
        onArrayEnd: () => builder.close(),
        onObjectProperty: (name, _offset, _length, start) => builder.name(name, line(start)),
        onLiteralValue: (value: Leaf, _offset, _length, start) => builder.leaf(value, line(start)),
        onError: (code, _offset, _length, start) => builder.fail(errorText(code), line(start)),
      },
      { disallowComments: true, allowTrailingComma: false, allowEmptyContent: false },
    );
  } catch (error) {
    // The parser recurses once a bracket; the builder refuses depth first, unless the stack is already deep.
    if (error instanceof RangeError) builder.fail("nested too deep", 1);
    throw error;
  }
  return builder.finish();
}

/** `PropertyNameExpected` → `property name expected`. */
function errorText(code: ParseErrorCode): string {
  return printParseErrorCode(code)
    .replaceAll(/(?<=.)([A-Z])/g, " $1")
    .toLowerCase();
}

class TreeBuilder {
  readonly #fileName: string;
  readonly #open: Exclude<Tree, { kind: "leaf" }>[] = [];
  #root: Tree | undefined;
  /** The property whose value comes next. */
  #key = "";
  #keyPlace: Place | undefined;

  constructor(fileName: string) {
    this.#fileName = fileName;
  }

  open(kind: "table" | "list", line: number): void {
    if (this.#open.length >= depthMax) this.fail("nested too deep", line, `at most ${depthMax} levels`);
    const place = this.#placeOfNext(line);
    const tree = kind === "table" ? newTable(place) : { kind, place, items: [] };
    this.#add(tree);
    this.#open.push(tree);
  }

  close(): void {
    this.#open.pop();
  }

  name(name: string, line: number): void {
    const table = this.#open.at(-1);
    if (!name.isWellFormed()) this.fail("a key is not well-formed Unicode", line);
    if (table?.kind === "table" && table.entries.has(name))
      this.fail(`key ${JSON.stringify(name)} stands here twice`, line, "once");
    this.#key = name;
    this.#keyPlace = { source: this.#fileName, line };
  }

  leaf(value: Leaf, line: number): void {
    if (typeof value === "string" && !value.isWellFormed()) this.fail("a text is not well-formed Unicode", line);
    this.#add({ kind: "leaf", place: this.#placeOfNext(line), value });
  }

  fail(message: string, line: number, hint = "valid JSON"): never {
    throw new Problem(message, { code: "config/syntax", where: `${this.#fileName}:${line}`, hint });
  }

  finish(): Table {
    if (this.#root?.kind === "table") return this.#root;
    return this.fail("the outermost value is not an object", 1, '{ "key": … }');
  }

  /** An entry stands where its key stands, an item where it begins. */
  #placeOfNext(line: number): Place {
    return this.#open.at(-1)?.kind === "table" && this.#keyPlace !== undefined
      ? this.#keyPlace
      : { source: this.#fileName, line };
  }

  #add(tree: Tree): void {
    const parent = this.#open.at(-1);
    if (parent === undefined) this.#root = tree;
    else if (parent.kind === "table") parent.entries.set(this.#key, tree);
    else parent.items.push(tree);
  }
}
