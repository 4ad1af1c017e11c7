import type { ImstateError } from 'imstate-client/internal/shared/errors';
import { broken } from '../presence/validate.js';

/** A place in a list, as callers carry it to the next page: opaque to them. */
export function formatPageToken(place: readonly (string | number)[]): string {
  return Buffer.from(JSON.stringify(place)).toString('base64url');
}

/** The place of a token, one part like each of the examples; rejects what formatPageToken did not make of such. */
export function parsePageToken<Place extends readonly (string | number)[]>(
  token: string,
  like: Place,
): Place {
  const place = parse(token);
  const isPlace =
    Array.isArray(place) &&
    place.length === like.length &&
    place.every(
      (part, i) =>
        typeof part === typeof like[i] &&
        (typeof part === 'string' || (Number.isSafeInteger(part) && part >= 0)),
    );
  if (isPlace) return place as unknown as Place;
  throw foreignPageToken();
}

/** The error for a token that does not belong to the list. */
export function foreignPageToken(): ImstateError {
  return broken(
    'page_token',
    'must be the next_page_token of an answer to the same request, or empty for the first page',
  );
}

function parse(token: string): unknown {
  try {
    return JSON.parse(Buffer.from(token, 'base64url').toString());
  } catch {
    return undefined;
  }
}
