import { ImstateError } from 'imstate-client/internal/shared/errors';
import { broken, checkPageSize } from '../../../presence/validate.js';

const PAGE = 100;

/** The query of a request, read by name. */
export class Parameters {
  readonly #query: URLSearchParams;

  /** Throws INVALID_ARGUMENT for an unknown parameter, which would otherwise be ignored. */
  constructor(query: URLSearchParams, known: readonly string[]) {
    this.#query = query;
    for (const name of query.keys()) {
      if (known.includes(name)) continue;
      const names = known.length > 0 ? `it has ${known.join(', ')}` : 'it has none';
      const message = `${JSON.stringify(name)} is no parameter of this call: ${names}`;
      throw new ImstateError('INVALID_ARGUMENT', message, { field: name });
    }
  }

  /** One text; '' if it is left out. */
  text(name: string): string {
    const [value = '', second] = this.#query.getAll(name);
    if (second !== undefined) throw broken(name, 'must be given once');
    return value;
  }

  /** All texts of that name. */
  list(name: string): string[] {
    return this.#query.getAll(name);
  }

  flag(name: string, absent: boolean): boolean {
    const value = this.text(name);
    if (value === '') return absent;
    if (value === 'true' || value === 'false') return value === 'true';
    throw broken(name, 'must be true or false');
  }

  /** An integer from `min` to `max`. */
  number(name: string, absent: number, min: number, max: number): number {
    const value = this.text(name);
    if (value === '') return absent;
    const number = /^\d{1,15}$/.test(value) ? Number(value) : Number.NaN;
    if (number >= min && number <= max) return number;
    throw broken(name, `must be an integer from ${min} to ${max}`);
  }

  /** The requested page, by `pageSize` and `pageToken`. A missing size, or 0, means `absent`. */
  page(absent = PAGE): { limit: number; after: string | undefined } {
    const size = this.number('pageSize', 0, 0, Number.MAX_SAFE_INTEGER);
    return {
      limit: checkPageSize('pageSize', size, absent),
      after: this.text('pageToken') || undefined,
    };
  }
}
