// A part is one benchmark. It returns rows, each with a measurement and optionally a reference.
import { median, type Spread, spread } from './figures.ts';

/** A bound for the median of a row's ratio or value. */
export interface Goal {
  figure: 'ratio' | 'value';
  atLeast?: number;
  atMost?: number;
}

/** One measurement and its reference. Each spread covers the rounds of the run. */
export interface Row {
  row: string;
  unit: string;
  value: Spread;
  reference: { name: string; value: Spread } | undefined;
  /** Value divided by reference, round by round. */
  ratio: Spread | undefined;
  goal: Goal | undefined;
  /** Undefined if there is no goal. */
  reached: boolean | undefined;
}

/** Input of {@link makeRow}. `values` and the values of the reference have one element per round. */
export interface Figures {
  row: string;
  unit: string;
  values: number[];
  reference?: { name: string; values: number[] };
  goal?: Goal;
}

/** An option of a part, with its defaults for short and full runs. */
export interface Option {
  short: string | number;
  full: string | number;
  about: string;
}

/** The options of a run as strings. */
type Settings<Options> = { readonly [Name in keyof Options]: string };

/** One benchmark. */
export interface Part<Options extends Record<string, Option> = Record<string, Option>> {
  name: string;
  /** What it measures, as one line of the help. */
  about: string;
  options: Options;
  /** True if it takes minutes. It then runs only if it is named, or with --full. */
  isLong?: boolean;
  /** Runs the benchmark. It has cleaned up when it resolves or rejects. */
  run(settings: Settings<Options>): Promise<Row[]>;
}

/** Types the settings of `run` by the names of the options. */
export function definePart<const Options extends Record<string, Option>>(part: Part<Options>): Part {
  return part as unknown as Part;
}

/** Computes a row from the values of the rounds. */
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

/** Logs progress to stderr. Results go to stdout. */
export function logProgress(text: string): void {
  process.stderr.write(`${text}\n`);
}
