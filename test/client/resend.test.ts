import { describe, expect, test } from 'vitest';
import { Changes } from '../../src/client/changes.ts';
import type { HeldSession, OfflineRequest, OnlineResult } from '../../src/client/index.ts';
import { ImstateError } from '../../src/client/index.ts';
import { resend } from '../../src/client/resend.ts';

const SESSION: HeldSession = {
  userId: 'alice',
  deviceId: 'phone',
  serverAddr: '10.0.0.1:9000',
  sessionId: 's1',
};
const { userId, deviceId, sessionId } = SESSION;
const ANSWER: OnlineResult = { sessionId, loginTime: new Date(0), replaced: [], endReason: undefined };

/** Sends the session again; `meanwhile` happens while it is under way. Resolves with the logouts that were repeated. */
async function sendAgain(
  changes: Changes,
  meanwhile: () => unknown,
  {
    online = async () => ANSWER,
    offline = async () => {},
  }: { online?: () => Promise<OnlineResult>; offline?: () => Promise<void> } = {},
): Promise<OfflineRequest[]> {
  const repeated: OfflineRequest[] = [];
  const calls = {
    changes,
    online: async () => {
      meanwhile();
      return online();
    },
    offline: async (request: OfflineRequest) => {
      await offline();
      repeated.push(request);
      return { applied: true };
    },
  };
  const listener = { onEnded: () => {}, onError: () => {} };
  await changes.beginResync();
  await resend([SESSION], calls, listener, new AbortController().signal).finally(() => changes.endResync());
  return repeated;
}

const answered = Promise.resolve();
const fail = async () => {
  throw new ImstateError('UNAVAILABLE', 'may have been applied');
};

describe('a logout while its session is sent again', () => {
  test.each<OfflineRequest>([
    { userId, deviceId, sessionId },
    { userId, deviceId },
    { userId, deviceId, sessionId, graceMs: 5_000 },
  ])('is repeated, for that session: %o', async (request) => {
    const changes = new Changes();
    const repeated = await sendAgain(changes, () => changes.logout(request, answered));
    expect(repeated).toEqual([{ ...request, sessionId }]);
  });

  test('is repeated if it began before the resync and is not answered', async () => {
    const changes = new Changes();
    void changes.logout({ userId, deviceId, sessionId }, new Promise(() => {}));
    expect(await sendAgain(changes, () => {})).toHaveLength(1);
  });

  test('is not repeated if it was answered before', async () => {
    const changes = new Changes();
    await changes.logout({ userId, deviceId, sessionId }, answered);
    expect(await sendAgain(changes, () => {})).toEqual([]);
  });

  test('is not repeated for another session of the device', async () => {
    const changes = new Changes();
    const other = { userId, deviceId, sessionId: 's0' };
    expect(await sendAgain(changes, () => changes.logout(other, answered))).toEqual([]);
  });

  test('is not repeated once the session has logged in again', async () => {
    const changes = new Changes();
    const flap = () => {
      void changes.logout({ userId, deviceId, sessionId, graceMs: 5_000 }, answered);
      void changes.login(SESSION, answered);
    };
    expect(await sendAgain(changes, flap)).toEqual([]);
  });

  test('is repeated by the next try if this one fails, whatever became of the session', async () => {
    const changes = new Changes();
    const logout = () => changes.logout({ userId, deviceId, sessionId }, answered);
    await expect(sendAgain(changes, logout, { online: fail })).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    await expect(sendAgain(changes, () => {}, { offline: fail })).rejects.toMatchObject({
      code: 'UNAVAILABLE',
    });
    expect(await sendAgain(changes, () => {})).toHaveLength(1);
    expect(await sendAgain(changes, () => {})).toEqual([]);
  });

  test('that can never be made does not hold the resync up', async () => {
    const changes = new Changes();
    const offline = async () => {
      throw new ImstateError('INVALID_ARGUMENT', 'grace must be at most 1 h');
    };
    const logout = () => changes.logout({ userId, deviceId, sessionId, graceMs: -1 }, answered);
    expect(await sendAgain(changes, logout, { offline })).toEqual([]);
    expect(await sendAgain(changes, () => {})).toEqual([]);
  });
});

test('a resync begins when the logins under way are answered, or have failed', async () => {
  const changes = new Changes();
  const answers: ((value?: unknown) => void)[] = [];
  const logins = [1, 2].map(() =>
    changes.login(SESSION, new Promise((resolve, reject) => answers.push(resolve, reject))),
  );
  const held: string[] = [];
  void logins[0]?.then(() => held.push('first'));
  const begun = changes.beginResync().then(() => held.push('resync'));
  logins[1]?.catch(() => held.push('second'));
  answers[0]?.();
  answers[3]?.();
  await begun;
  expect(held).toEqual(['first', 'second', 'resync']);
});
