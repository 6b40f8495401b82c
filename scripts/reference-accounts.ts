// The lines of the page about the search for stolen accounts: its signals and settings, from the code.

import { defaultJudgeSettings } from "../src/accounts/judge-settings.ts";
import { signals } from "../src/accounts/signals/index.ts";

export function accountsLines(): readonly string[] {
  return [
    "`postvarta accounts scan --log FILE…` reads old logs and prints one JSON object each time an account changes level. The score is",
    "the sum of the points of these signals, 100 at most. Signals of whereabouts alone give at most `whereabouts.max` points unless",
    "there are more countries than a journey explains; what is taken off then is listed as `a_journey`, with points below nought.",
    "A notice therefore takes a deed, or more countries than anybody crosses; it lapses `leave.noticeMs` after the last evidence that",
    "was worth one, and what it told of is not told again without something fresh. A watch ends by itself when the score stayed below",
    "`leave.below` for `leave.quietMs`, `leave.stayMs` after it began at the earliest; an account that comes under watch again within",
    "`leave.againMs` of leaving it stays `leave.againTimes` as long.",
    "",
    "| signal | about | what it sees |",
    "| --- | --- | --- |",
    ...signals.map(({ name, about, help }) => `| \`${name}\` | ${about} | ${help} |`),
    "",
    "## Settings",
    "",
    "Each is changed with `--set name=value`; points are points, durations (`…Ms`) milliseconds.",
    "",
    "| name | default |",
    "| --- | --- |",
    ...settingRows(),
  ];
}

function settingRows(): string[] {
  return Object.entries(defaultJudgeSettings).flatMap(([group, value]) =>
    typeof value === "number"
      ? [`| \`${group}\` | ${value} |`]
      : Object.entries(value).map(([name, inner]) => `| \`${group}.${name}\` | ${inner} |`),
  );
}
