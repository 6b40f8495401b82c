// Figures for Prometheus (text format 0.0.4): counters and histograms that cost one increment where they are counted,
// and gauges that are read at the scrape.

/** Series of one name. A label with more values than this was meant for something else; what is beyond is counted as `other`. */
const seriesMax = 2_000;

export type Labels = Readonly<Record<string, string>>;

/** What a gauge says at a scrape: one number, or one for each set of labels. */
export type Reading = number | readonly (readonly [Labels, number])[];

export interface Counter {
  add(amount?: number): void;
  readonly value: number;
}

export interface Histogram {
  /** `value` in the unit of the buckets: seconds. */
  observe(value: number): void;
}

interface Family {
  readonly name: string;
  readonly help: string;
  readonly labels?: readonly string[];
  readonly type: "counter" | "gauge" | "histogram";
  lines(): Promise<readonly string[]>;
}

/** All figures of a process, in the order in which they were named. */
export class Metrics {
  readonly #families = new Map<string, Family>();

  /** A counter for each set of values of `labels`: `family({ state: "RCPT" })` once, then `add()`. Its name ends in `_total`. */
  counters<Label extends string>(
    name: string,
    help: string,
    labels: readonly Label[],
  ): (values: Readonly<Record<Label, string>>) => Counter {
    const series = new Map<string, Count>();
    this.#add({
      name,
      help,
      labels,
      type: "counter",
      lines: async () => [...series].map(([text, { value }]) => `${name}${text} ${value}`),
    });
    const other = Object.fromEntries(labels.map((label) => [label, "other"]));
    return (values) => {
      const text = printLabels(values);
      return series.get(text) ?? newSeries(series, series.size < seriesMax ? text : printLabels(other));
    };
  }

  counter(name: string, help: string): Counter {
    return this.counters(name, help, [])({});
  }

  /** `read` is called at every scrape; when it fails the gauge is left out, and the others are told. */
  gauge(name: string, help: string, read: () => Reading | Promise<Reading>): void {
    this.#addRead({ name, help, type: "gauge" }, read);
  }

  /** Counters that something else counts already: read at every scrape. */
  countersRead(name: string, help: string, labels: readonly string[], read: () => Reading | Promise<Reading>): void {
    this.#addRead({ name, help, labels, type: "counter" }, read);
  }

  #addRead(head: Omit<Family, "lines">, read: () => Reading | Promise<Reading>): void {
    const { name } = head;
    this.#add({
      ...head,
      lines: async () => {
        const reading = await read();
        if (typeof reading === "number") return [`${name} ${printNumber(reading)}`];
        return reading
          .slice(0, seriesMax)
          .map(([labels, value]) => `${name}${printLabels(labels)} ${printNumber(value)}`);
      },
    });
  }

  /** `bounds`: upper edges of the buckets, ascending; the one without end is added. */
  histogram(name: string, help: string, bounds: readonly number[]): Histogram {
    const buckets = new Buckets(bounds);
    this.#add({ name, help, type: "histogram", lines: async () => buckets.lines(name) });
    return buckets;
  }

  /** The text of a scrape, `text/plain; version=0.0.4`. */
  async render(): Promise<string> {
    let text = "";
    for (const family of this.#families.values()) {
      const lines = await family.lines().catch(() => []);
      if (lines.length === 0) continue;
      text += `# HELP ${family.name} ${escapeHelp(family.help)}\n# TYPE ${family.name} ${family.type}\n${lines.join("\n")}\n`;
    }
    return text;
  }

  /** Names, labels, types and sentences, for the reference. */
  list(): readonly Pick<Required<Family>, "name" | "labels" | "type" | "help">[] {
    return [...this.#families.values()].map(({ name, labels = [], type, help }) => ({ name, labels, type, help }));
  }

  #add(family: Family): void {
    if (!/^[a-z_:][a-z0-9_:]*$/.test(family.name)) throw new Error(`not a metric's name: ${family.name}`);
    if (this.#families.has(family.name)) throw new Error(`named twice: ${family.name}`);
    this.#families.set(family.name, family);
  }
}

class Count implements Counter {
  value = 0;

  add(amount = 1): void {
    this.value += amount;
  }
}

function newSeries(series: Map<string, Count>, text: string): Count {
  const known = series.get(text);
  if (known !== undefined) return known;
  const made = new Count();
  series.set(text, made);
  return made;
}

class Buckets implements Histogram {
  readonly #bounds: readonly number[];
  readonly #counts: number[];
  #sum = 0;

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.#counts = new Array<number>(bounds.length + 1).fill(0);
  }

  observe(value: number): void {
    let index = 0;
    while (index < this.#bounds.length && value > (this.#bounds[index] ?? 0)) index++;
    this.#counts[index] = (this.#counts[index] ?? 0) + 1;
    this.#sum += value;
  }

  lines(name: string): readonly string[] {
    const lines: string[] = [];
    let total = 0;
    for (const [index, count] of this.#counts.entries()) {
      total += count;
      lines.push(`${name}_bucket{le="${this.#bounds[index] ?? "+Inf"}"} ${total}`);
    }
    return [...lines, `${name}_sum ${printNumber(this.#sum)}`, `${name}_count ${total}`];
  }
}

/** Sorted by name, so that one set of labels is one series however it was written. */
function printLabels(labels: Labels): string {
  const names = Object.keys(labels).sort();
  if (names.length === 0) return "";
  return `{${names.map((name) => `${name}="${escapeLabel(labels[name] ?? "")}"`).join(",")}}`;
}

function escapeLabel(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}

function escapeHelp(help: string): string {
  return help.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
}

function printNumber(value: number): string {
  if (Number.isFinite(value)) return String(value);
  return Number.isNaN(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf";
}
