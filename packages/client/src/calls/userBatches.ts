/** Maximum users of one request: a daemon answers this many within milliseconds. */
const MAX_USERS = 500;

/**
 * Makes requests for any number of users, and resolves with their responses in the order of the users. `request`
 * resolves with undefined if its response has no room for so many users; then each half is requested. It must not for
 * one user.
 */
export async function requestInBatches<Response>(
  userIds: readonly string[],
  request: (userIds: string[]) => Promise<Response | undefined>,
): Promise<Response[]> {
  const batches = Array.from({ length: Math.ceil(userIds.length / MAX_USERS) }, (_, i) =>
    userIds.slice(i * MAX_USERS, (i + 1) * MAX_USERS),
  );
  const responses = await Promise.all(batches.map((batch) => requestDivided(batch, request)));
  return responses.flat();
}

async function requestDivided<Response>(
  userIds: string[],
  request: (userIds: string[]) => Promise<Response | undefined>,
): Promise<Response[]> {
  const response = await request(userIds);
  if (response !== undefined) return [response];
  const half = Math.ceil(userIds.length / 2);
  return [
    ...(await requestDivided(userIds.slice(0, half), request)),
    ...(await requestDivided(userIds.slice(half), request)),
  ];
}
