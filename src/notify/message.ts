// Notices become one plain message in a language.

import type { StoredNotice } from "../store/notices.ts";
import type { Message } from "./channel.ts";
import { fillTemplate } from "./template.ts";
import { type Audience, findTemplate, type Templates } from "./templates.ts";
import { type Language, texts } from "./texts.ts";

/** Notices that one digest tells in full. */
const toldMax = 30;

export interface Wording {
  readonly language: Language;
  /** IANA name; times are shown in it. */
  readonly timeZone: string;
  readonly audience: Audience;
  readonly templates: Templates;
}

/** `notices`: one, or several for a digest; at least one. */
export function messageOf(notices: readonly StoredNotice[], wording: Wording): Message {
  const [first] = notices;
  if (first === undefined) throw new Error("a message of no notices");
  const worst =
    notices.find(({ severity }) => severity === "critical") ?? notices.find((one) => one.severity === "warning");
  const head = { id: first.id, severity: (worst ?? first).severity, notices };
  if (notices.length === 1) return { ...head, ...wordsOf(first, wording) };
  const words = texts[wording.language];
  const told = notices.slice(0, toldMax).map((one) => {
    const { title, body } = wordsOf(one, wording);
    return `${title}\n${body}`;
  });
  const rest = notices.length - toldMax;
  if (rest > 0) told.push(fill(words.more, "count", String(rest)));
  return { ...head, title: fill(words.digest, "count", String(notices.length)), body: told.join("\n\n") };
}

function wordsOf(notice: StoredNotice, wording: Wording): Pick<Message, "title" | "body"> {
  const { kind, subject, at, facts } = notice;
  const { language, timeZone, audience, templates } = wording;
  const time = new Intl.DateTimeFormat(language === "uk" ? "uk-UA" : "en-GB", {
    ...{ timeZone, dateStyle: "medium", timeStyle: "long" },
  }).format(at);
  const template = findTemplate(templates, { kind, audience, language });
  if (template !== undefined) return fillTemplate(template, { ...facts, subject, time });
  const { titles, labels } = texts[language];
  const told = Object.entries(facts).map(([label, value]) => `${labels[label] ?? label}: ${value}`);
  return { title: fill(titles[kind], "subject", subject), body: [time, ...told].join("\n") };
}

/** Not `String.replace` with a text: `$&` in a subject would be read as a pattern. */
function fill(template: string, name: string, value: string): string {
  return template.split(`{${name}}`).join(value);
}
