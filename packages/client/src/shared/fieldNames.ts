import type { ImstateError } from './errors.js';

/** The error with another name for the field that it is about; unchanged without one. */
export function withFieldNamed(error: ImstateError, name: string | undefined): ImstateError {
  const { field, message } = error;
  if (!name || field === undefined || name === field) return error;
  const isNamed = message.startsWith(`${field} `);
  return error.reworded(isNamed ? `${name}${message.slice(field.length)}` : message, name);
}

/** A field of proto/ as JSON spells it: userId for user_id. */
export function camelCase(field: string): string {
  return field.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
