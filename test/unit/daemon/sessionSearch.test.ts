import { expect, test } from 'vitest';
import { SessionSearch } from '../../../src/daemon/sessionSearch.ts';

test('stops reading once nobody waits for the result', async () => {
  let reads = 0;
  let isAwaited = true;
  const search = new SessionSearch({
    async listSessions() {
      reads += 1;
      if (reads === 3) isAwaited = false;
      return { sessions: [], next: `${reads}`, isPartial: false };
    },
  });
  await search.find(
    { serverAddr: undefined, limit: 10, after: undefined },
    { userIdPrefix: undefined, deviceId: 'd', sessionId: undefined },
    () => isAwaited,
  );
  expect(reads).toBe(3);
});
