import { get } from './api.js';

const PAGE_SIZE = 1_000;
/** A search compares at most as many sessions until it stops. */
const MAX_SCANNED = 1_000_000;

/**
 * Reads pages of a listing until there are `limit` rows. `rowsOf` takes the rows from a page; `onRows`
 * receives their number so far. `isCut` is true if there may be more, `isPartial` if part of the store did not
 * respond.
 */
export async function readPages(name, parameters, { rowsOf, limit, signal, onRows }) {
  const rows = [];
  let scanned = 0;
  let isPartial = false;
  let pageToken = null;
  do {
    const page = await get(name, pageOf(parameters, PAGE_SIZE, pageToken), { signal });
    rows.push(...rowsOf(page));
    scanned += page.scanned ?? 0;
    isPartial ||= page.partial ?? false;
    pageToken = page.nextPageToken;
    onRows(rows.length);
  } while (pageToken !== null && rows.length < limit && scanned < MAX_SCANNED);
  return { rows: rows.slice(0, limit), isCut: pageToken !== null || rows.length > limit, isPartial };
}

/** The parameters of a page of a listing; the token is null for the first. */
export function pageOf(parameters, pageSize, pageToken) {
  return { ...parameters, pageSize, ...(pageToken !== null && { pageToken }) };
}
