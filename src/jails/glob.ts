// Paths with `*`, `?` and `[…]`, as `logpath` and `[[logs]]` have them: none of them goes over a slash (glob(7)).

const globs = /[*?[]/;

/** True when a path, or every path of another glob that names no more than this one, is meant by `glob`. */
export function fitsGlob(glob: string, path: string): boolean {
  if (!globs.test(glob)) return glob === path;
  return glob === path || regexOf(glob).test(path);
}

/** Each star can only give back to the one before it in the same name, so a path costs no more than its length squared. */
function regexOf(glob: string): RegExp {
  const source = glob.replace(/\[(!?)([^\]/]+)\]|\*+|\?|[^*?[]+|\[/g, (part, not?: string, set?: string) => {
    if (set !== undefined) return `[${not === "" ? "" : "^/"}${set.replace(/[\\\]^]/g, "\\$&")}]`;
    if (part.startsWith("*")) return "[^/]*";
    return part === "?" ? "[^/]" : part.replace(/[\\^$.|+(){}[\]]/g, "\\$&");
  });
  return new RegExp(`^${source}$`);
}
