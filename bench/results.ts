// The results of several runs. Of each part, the newest results count.
import type { Report } from './report.ts';

type Row = Report['rows'][number];

/** The results of several runs. */
export class Results {
  readonly #byPart = new Map<string, Report>();

  constructor(reports: Report[]) {
    const inOrder = [...reports].sort((a, b) => a.startedAt.localeCompare(b.startedAt));
    for (const report of inOrder) for (const { part } of report.rows) this.#byPart.set(part, report);
  }

  /** Whether there are results of all these parts. */
  has(...parts: string[]): boolean {
    return parts.every((part) => this.#byPart.has(part));
  }

  /** The run with the results of a part. */
  reportOf(part: string): Report | undefined {
    return this.#byPart.get(part);
  }

  /** The rows of a part. */
  rowsOf(part: string): Row[] {
    return this.#byPart.get(part)?.rows.filter((row) => row.part === part) ?? [];
  }

  /** The median of the first row whose name starts with `row`, in a unit. Throws if there is none. */
  value(part: string, row: string, unit: string): number {
    const found = this.rowsOf(part).find((each) => each.row.startsWith(row) && each.unit === unit);
    if (found === undefined) throw new Error(`no result of ${part}: ${row} (${unit})`);
    return found.value.median;
  }
}
