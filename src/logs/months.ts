// Month names as programs write them: English from every syslog, other languages from strftime under a foreign locale.

/** glibc's abbreviations (%b) by language, January first; a trailing dot is optional when a name is looked up. */
const abbreviations: readonly string[] = [
  "jan feb mar apr may jun jul aug sep oct nov dec",
  "january february march april may june july august september october november december",
  "січ лют бер кві тра чер лип сер вер жов лис гру", // uk
  "янв фев мар апр май июн июл авг сен окт ноя дек", // ru
  "янв фев мар апр мая июн июл авг сен окт ноя дек",
  "jan feb mär apr mai jun jul aug sep okt nov dez", // de
  "jan feb mrz apr mai juni juli aug sept okt nov dez",
  "janv févr mars avril mai juin juil août sept oct nov déc", // fr
  "janv fevr mars avr mai juin juil aout sept oct nov dec",
  "ene feb mar abr may jun jul ago sep oct nov dic", // es
  "gen feb mar apr mag giu lug ago set ott nov dic", // it
  "jan fev mar abr mai jun jul ago set out nov dez", // pt
  "sty lut mar kwi maj cze lip sie wrz paź lis gru", // pl
  "jan feb mrt apr mei jun jul aug sep okt nov dec", // nl
  "led úno bře dub kvě čen čec srp zář říj lis pro", // cs
  "jan feb mars april maj juni juli aug sept okt nov dec", // sv
  "tammi helmi maalis huhti touko kesä heinä elo syys loka marras joulu", // fi
  "oca şub mar nis may haz tem ağu eyl eki kas ara", // tr
  "ian feb mar apr mai iun iul aug sep oct noi dec", // ro
];

const numbers = new Map<string, number>();
for (const language of abbreviations) {
  // The first language to claim a name keeps it: "lis" is November in three of them, "mar" is March in all.
  for (const [index, name] of language.split(" ").entries()) if (!numbers.has(name)) numbers.set(name, index + 1);
}

/** 1-12 for an abbreviated or English month name, with or without a dot, in any case; undefined when it is none. */
export function findMonth(name: string): number | undefined {
  return numbers.get(name.toLowerCase().replace(/\.$/, ""));
}
