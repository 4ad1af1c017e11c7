// What a part of the bench is, and what it gives: rows, each a figure beside its reference.
import { median, type Spread, spread } from './figures.ts';

/** What is to be reached, by the median of a row's ratio or value. */
export interface Goal {
  figure: 'ratio' | 'value';
  atLeast?: number;
  atMost?: number;
}

/** One figure, beside its reference if it has one. Each spread is over the rounds of the run. */
export interface Row {
  row: string;
  unit: string;
  value: Spread;
  reference: { name: string; value: Spread } | undefined;
  /** Value by reference, round by round. */
  ratio: Spread | undefined;
  goal: Goal | undefined;
  /** Undefined if there is no goal. */
  reached: boolean | undefined;
}

/** What {@link makeRow} makes a row of: values of the rounds, and in the same order those of the reference. */
export interface Figures {
  row: string;
  unit: string;
  values: number[];
  reference?: { name: string; values: number[] };
  goal?: Goal;
}

/** An option of a part: what it is in a short run and with --full. */
export interface Option {
  short: string | number;
  full: string | number;
  about: string;
}

/** The options of a run, as texts. */
type Settings<Options> = { readonly [Name in keyof Options]: string };

/** A part of the bench, as main.ts runs it. */
export interface Part<Options extends Record<string, Option> = Record<string, Option>> {
  name: string;
  /** What it measures: a line of the help. */
  about: string;
  options: Options;
  /** It takes minutes: left out unless it is named or the run is a full one. */
  isLong?: boolean;
  /** Measures; has ended what it has started when it resolves or rejects. */
  run(settings: Settings<Options>): Promise<Row[]>;
}

/** Keeps the names of the options, so that run() may be given nothing else. */
export function definePart<const Options extends Record<string, Option>>(part: Part<Options>): Part {
  return part as unknown as Part;
}

/** A row of what the rounds have measured. */
export function makeRow({ row, unit, values, reference, goal }: Figures): Row {
  const ratios = reference?.values.map((value, i) => (values[i] as number) / value);
  const judged = median((goal?.figure === 'ratio' ? ratios : values) ?? []);
  return {
    row,
    unit,
    value: spread(values),
    reference: reference && { name: reference.name, value: spread(reference.values) },
    ratio: ratios && spread(ratios),
    goal,
    reached: goal && judged >= (goal.atLeast ?? -Infinity) && judged <= (goal.atMost ?? Infinity),
  };
}

/** Tells how far a run is; what it found goes to stdout. */
export function say(text: string): void {
  process.stderr.write(`${text}\n`);
}
