import { ImstateError } from 'imstate-client/internal/shared/errors';
import { broken } from '../../../presence/validate.js';

/** The JSON object in the body of a request, read by key. A key that is null counts as left out. */
export class JsonBody {
  readonly #values: Record<string, unknown>;

  /**
   * Throws INVALID_ARGUMENT for a body that is no JSON object, and for an unknown key, which would otherwise be
   * ignored. The example is for the message.
   */
  constructor(body: string, known: readonly string[], example: string) {
    this.#values = parseObject(body, example);
    const unknown = Object.keys(this.#values).find((key) => !known.includes(key));
    if (unknown !== undefined)
      throw new ImstateError(
        'INVALID_ARGUMENT',
        `${JSON.stringify(unknown)} is not a key of the body: use ${known.join(', ')}`,
        { field: unknown },
      );
  }

  /** A text; undefined if it is left out. */
  optionalText(key: string): string | undefined {
    const value = this.#values[key] ?? undefined;
    if (value === undefined || typeof value === 'string') return value;
    throw broken(key, 'must be a string');
  }

  /** A text; '' if it is left out. */
  text(key: string): string {
    return this.optionalText(key) ?? '';
  }

  /** Texts; none if they are left out. */
  texts(key: string): string[] {
    const value = this.#values[key] ?? [];
    if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value;
    throw broken(key, 'must be an array of strings');
  }
}

function parseObject(body: string, example: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    value = undefined;
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>;
  throw new ImstateError('INVALID_ARGUMENT', `the body must be a JSON object, such as ${example}`);
}
