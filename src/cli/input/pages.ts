import type { ChatServer, Client, PageRequest } from 'imstate-client';

const MAX_PER_PAGE = 1_000;

interface Page<Row> {
  rows: Row[];
  nextPageToken: string | undefined;
  /** True if part of the store did not answer. */
  partial?: boolean;
}

/**
 * Fetches pages until there are `limit` rows, or no more. `isCut` is true if there may be more; `isPartial`
 * if part of the store did not answer for one of them.
 */
export async function collectPages<Row>(
  limit: number,
  fetch: (page: PageRequest) => Promise<Page<Row>>,
): Promise<{ rows: Row[]; isCut: boolean; isPartial: boolean }> {
  const rows: Row[] = [];
  let isPartial = false;
  let token: string | undefined;
  do {
    const pageSize = Math.min(limit - rows.length, MAX_PER_PAGE);
    const page = await fetch({ pageSize, ...(token && { pageToken: token }) });
    rows.push(...page.rows);
    isPartial ||= page.partial ?? false;
    token = page.nextPageToken;
  } while (token !== undefined && rows.length < limit);
  return { rows, isCut: token !== undefined, isPartial };
}

/** All chat servers, by address. */
export async function allServers(client: Client): Promise<{ servers: ChatServer[]; isPartial: boolean }> {
  const { rows, isPartial } = await collectPages(Number.POSITIVE_INFINITY, async (page) => {
    const { servers, nextPageToken, partial } = await client.listServers(page);
    return { rows: servers, nextPageToken, partial };
  });
  return { servers: rows, isPartial };
}
