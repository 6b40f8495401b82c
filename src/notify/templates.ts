// The templates that hold: those of the operator's folder over the built-in ones. A file is called `KIND.LANGUAGE.txt` for those who
// run the mail, and `KIND.owner.LANGUAGE.txt` for the owner of the account.

import { readdirSync } from "node:fs";
import { join } from "node:path";
import { readText } from "../config/config.ts";
import { reasonOf } from "../config/unreadable.ts";
import { nearest } from "../core/nearest.ts";
import { type NoticeKind, noticeKinds } from "../core/notice.ts";
import { Problem, Problems } from "../core/problem.ts";
import { ownerKinds, ownerTexts } from "./owner-texts.ts";
import { parseTemplate, placeholdersOf, type Template } from "./template.ts";
import { type Language, texts } from "./texts.ts";

export type Audience = "staff" | "owner";

export interface TemplateName {
  readonly kind: NoticeKind;
  readonly audience: Audience;
  readonly language: Language;
}

/** By file name. */
export type Templates = ReadonlyMap<string, Template>;

const languages = ["en", "uk"] as const satisfies readonly Language[];
/** Two audiences and two languages of every kind are fewer. */
const filesMax = 500;

export function fileOf({ kind, audience, language }: TemplateName): string {
  return audience === "owner" ? `${kind}.owner.${language}.txt` : `${kind}.${language}.txt`;
}

/** Every name that a template may have. */
export function templateNames(): readonly TemplateName[] {
  return noticeKinds.flatMap((kind) =>
    languages.flatMap((language) => {
      const staff = { kind, language, audience: "staff" } as const;
      return ownerKinds.some((one) => one === kind) ? [staff, { ...staff, audience: "owner" } as const] : [staff];
    }),
  );
}

/** The operator's files; none when `folder` is empty. Throws Problems with every mistake in them. */
export function readTemplates(folder: string): Templates {
  const found = new Map<string, Template>();
  const problems: Problem[] = [];
  for (const file of folder === "" ? [] : filesOf(folder)) {
    const name = templateNames().find((one) => fileOf(one) === file);
    const read = name === undefined ? [strangeFile(join(folder, file))] : readOne(join(folder, file), name.kind);
    if ("title" in read) found.set(file, read);
    else problems.push(...read);
  }
  if (problems.length > 0) throw new Problems(problems);
  return found;
}

/** The operator's words or the built-in ones; undefined for a notice that has none but its facts, one a line. */
export function findTemplate(templates: Templates, name: TemplateName): Template | undefined {
  const own = templates.get(fileOf(name));
  if (own !== undefined || name.audience === "staff") return own;
  const kind = ownerKinds.find((one) => one === name.kind);
  return kind === undefined ? undefined : ownerTexts[name.language][kind];
}

/** The text of a file that says what is said without it, to begin with. */
export function printTemplate(name: TemplateName): string {
  const { kind, language } = name;
  const builtIn = findTemplate(new Map(), name);
  const { titles, labels } = texts[language];
  const facts = placeholdersOf(kind).filter((one) => one !== "subject" && one !== "time");
  const { title, body } = builtIn ?? {
    title: titles[kind],
    body: ["{time}", ...facts.map((fact) => `${labels[fact] ?? fact}: {${fact}}`)].join("\n"),
  };
  return `${title}\n\n${body}\n`;
}

function filesOf(folder: string): readonly string[] {
  try {
    const files = readdirSync(folder).filter((file) => file.endsWith(".txt") && !file.startsWith("."));
    return files.sort().slice(0, filesMax);
  } catch (error) {
    const details = { code: "config/unreadable", where: folder, hint: reasonOf(error) } as const;
    throw new Problems([new Problem("the folder of templates cannot be read", details)]);
  }
}

function readOne(path: string, kind: NoticeKind): Template | readonly Problem[] {
  try {
    return parseTemplate(readText(path), path, kind);
  } catch (error) {
    if (error instanceof Problem) return [error];
    throw error;
  }
}

function strangeFile(path: string): Problem {
  const known = templateNames().map(fileOf);
  const near = nearest(path.split("/").at(-1) ?? "", known);
  const hint =
    near === undefined
      ? "KIND.LANGUAGE.txt or KIND.owner.LANGUAGE.txt: `postvarta notices templates` lists them"
      : `did you mean ${near}?`;
  return new Problem("no notice has a template of this name", { code: "config/bad-value", where: path, hint });
}
