import type { ChatServer, Client, PageRequest } from '../client/index.js';

const MOST_PER_PAGE = 1_000;

/** Fetches pages until there are `limit` rows, or no more; `isCut` is true if there may be more. */
export async function collectPages<Row>(
  limit: number,
  fetch: (page: PageRequest) => Promise<{ rows: Row[]; nextPageToken: string | undefined }>,
): Promise<{ rows: Row[]; isCut: boolean }> {
  const rows: Row[] = [];
  let token: string | undefined;
  do {
    const pageSize = Math.min(limit - rows.length, MOST_PER_PAGE);
    const page = await fetch({ pageSize, ...(token && { pageToken: token }) });
    rows.push(...page.rows);
    token = page.nextPageToken;
  } while (token !== undefined && rows.length < limit);
  return { rows, isCut: token !== undefined };
}

/** All chat servers, by address. */
export async function allServers(client: Client): Promise<ChatServer[]> {
  const { rows } = await collectPages(Number.POSITIVE_INFINITY, async (page) => {
    const { servers, nextPageToken } = await client.listServers(page);
    return { rows: servers, nextPageToken };
  });
  return rows;
}
