import type { ImstateError } from 'imstate-client/internal/shared/errors';
import { broken } from '../presence/validate.js';

/** The token of the next page of a listing, opaque to callers: where that page begins. */
export function formatPageToken(start: readonly (string | number)[]): string {
  return Buffer.from(JSON.stringify(start)).toString('base64url');
}

/** Where the page of a token begins, with parts of the types of the example; throws for any other token. */
export function parsePageToken<Start extends readonly (string | number)[]>(
  token: string,
  example: Start,
): Start {
  const start = parse(token);
  const isStart =
    Array.isArray(start) &&
    start.length === example.length &&
    start.every(
      (part, i) =>
        typeof part === typeof example[i] &&
        (typeof part === 'string' || (Number.isSafeInteger(part) && part >= 0)),
    );
  if (isStart) return start as unknown as Start;
  throw foreignPageToken();
}

/** The error for a token that does not belong to the list. */
export function foreignPageToken(): ImstateError {
  return broken(
    'page_token',
    'must be the next_page_token of a response to the same request, or empty for the first page',
  );
}

function parse(token: string): unknown {
  try {
    return JSON.parse(Buffer.from(token, 'base64url').toString());
  } catch {
    return undefined;
  }
}
