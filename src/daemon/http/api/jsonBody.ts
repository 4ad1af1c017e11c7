import { ImstateError } from 'imstate-client/internal/shared/errors';
import { broken } from '../../../presence/validate.js';

/** A JSON object in the body of a request, read by key. A key that is null counts as left out. */
export class JsonBody {
  readonly #values: Record<string, unknown>;
  /** How errors name this object before a key: `sessions[0].`; '' for the body itself. */
  readonly #path: string;

  private constructor(values: Record<string, unknown>, known: readonly string[], path: string) {
    this.#values = values;
    this.#path = path;
    const unknown = Object.keys(values).find((key) => !known.includes(key));
    if (unknown === undefined) return;
    const where = path === '' ? 'the body' : path.slice(0, -1);
    throw invalid(`${JSON.stringify(unknown)} is not a key of ${where}: use ${known.join(', ')}`, unknown);
  }

  /**
   * Throws INVALID_ARGUMENT for a body that is no JSON object, and for an unknown key, which would otherwise be
   * ignored. The example is for the message.
   */
  static parse(body: string, known: readonly string[], example: string): JsonBody {
    let value: unknown;
    try {
      value = JSON.parse(body);
    } catch {
      value = undefined;
    }
    if (isObject(value)) return new JsonBody(value, known, '');
    throw invalid(`the body must be a JSON object, such as ${example}`);
  }

  /** A text; undefined if it is left out. An empty one is rejected: an unset variable is no decision. */
  optionalText(key: string): string | undefined {
    const value = this.#values[key] ?? undefined;
    if (value === '') throw this.#broken(key, 'must not be empty');
    if (value === undefined || typeof value === 'string') return value;
    throw this.#broken(key, 'must be a string');
  }

  /** A text; '' if it is left out. */
  text(key: string): string {
    return this.optionalText(key) ?? '';
  }

  /** An integer of at least 0; undefined if it is left out. */
  integer(key: string): number | undefined {
    const value = this.#values[key] ?? undefined;
    if (value === undefined || (Number.isSafeInteger(value) && (value as number) >= 0))
      return value as number;
    throw this.#broken(key, 'must be an integer of at least 0');
  }

  /** True or false; false if it is left out. */
  flag(key: string): boolean {
    const value = this.#values[key] ?? false;
    if (typeof value === 'boolean') return value;
    throw this.#broken(key, 'must be true or false');
  }

  /** A time, ISO 8601 as in responses; undefined if it is left out. */
  time(key: string): Date | undefined {
    const text = this.optionalText(key);
    if (text === undefined) return undefined;
    const time = /^\d{4}-\d\d-\d\dT/.test(text) ? new Date(text) : new Date(Number.NaN);
    if (!Number.isNaN(time.getTime())) return time;
    throw this.#broken(key, 'must be a time such as 2026-01-31T12:00:00.000Z');
  }

  /** Texts; none if they are left out. */
  texts(key: string): string[] {
    const value = this.#values[key] ?? [];
    if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value;
    throw this.#broken(key, 'must be an array of strings');
  }

  /** Texts by name; none if they are left out. */
  textsByName(key: string): Record<string, string> {
    const value = this.#values[key] ?? {};
    if (isObject(value) && Object.values(value).every((item) => typeof item === 'string'))
      return value as Record<string, string>;
    throw this.#broken(key, 'must be an object of strings');
  }

  /** Objects with these keys, up to `max`; none if they are left out. */
  objects(key: string, known: readonly string[], max: number): JsonBody[] {
    const value = this.#values[key] ?? [];
    if (!Array.isArray(value)) throw this.#broken(key, 'must be an array of objects');
    // Before anything is made of them: 1 MiB may have a third of a million.
    if (value.length > max)
      throw this.#broken(key, `must be at most ${max.toLocaleString('en')}; these are ${value.length}`);
    return value.map((item, i) => {
      if (isObject(item)) return new JsonBody(item, known, `${this.#path}${key}[${i}].`);
      throw this.#broken(`${key}[${i}]`, 'must be an object');
    });
  }

  #broken(key: string, rule: string): ImstateError {
    return broken(`${this.#path}${key}`, rule);
  }
}

/** Throws INVALID_ARGUMENT unless the body of a call whose path says everything is empty, or `{}`. */
export function checkNoKeys(body: string): void {
  if (/^\s*(\{\s*\})?\s*$/.test(body)) return;
  throw invalid('the body must be empty or {}, because this call has no keys');
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function invalid(message: string, field?: string): ImstateError {
  return new ImstateError('INVALID_ARGUMENT', message, { field });
}
