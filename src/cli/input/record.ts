import { ImstateError, messageOf } from 'imstate-client/internal/shared/errors';

/** A line of a batch: a JSON object, such as the example. Throws INVALID_ARGUMENT for anything else. */
export function parseObject(text: string, example: string): object {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw broken(`a record must be JSON: ${messageOf(error)}`);
  }
  if (isObject(value)) return value;
  throw broken(`a record must be a JSON object, such as ${example}`);
}

/** The value of a key that must be a string. */
export function readText(value: unknown, key: string): string {
  if (typeof value === 'string') return value;
  throw broken(`${key} must be a string`, key);
}

/** The value of a key that must be an object of strings. */
export function readTexts(value: unknown, key: string): Record<string, string> {
  if (isObject(value) && Object.values(value).every((item) => typeof item === 'string')) {
    return value as Record<string, string>;
  }
  throw broken(`${key} must be an object of strings`, key);
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The error for a record that breaks a rule; `key` names the broken field. */
export function broken(rule: string, key?: string): ImstateError {
  return new ImstateError('INVALID_ARGUMENT', rule, { field: key });
}
