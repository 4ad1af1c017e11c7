import { describe, expect, test } from 'vitest';
import { HeldSessions } from '../../../../packages/client/src/server/heldSessions.ts';

const NEVER = new AbortController().signal;

function loginOf(sessionId: string) {
  return { userId: 'alice', deviceId: 'phone', sessionId };
}

test('a repeated login continues the session, and the earlier one cannot drop it', () => {
  const sessions = new HeldSessions(1_000);
  const first = sessions.add(loginOf('s1'));
  first.loginTime = new Date(0);
  const second = sessions.add(loginOf('s1'));
  expect(second.loginTime).toEqual(new Date(0));
  expect([sessions.drop(first), sessions.size]).toEqual([false, 1]);
  expect([sessions.drop(second), sessions.size]).toEqual([true, 0]);
});

test('calls for one session run one after the other, also after a failure', async () => {
  const sessions = new HeldSessions(1_000);
  const held = sessions.add(loginOf('s1'));
  const order: string[] = [];
  const failing = sessions.callInTurn(held, async () => {
    order.push('first');
    throw new Error('failed');
  });
  const next = sessions.callInTurn(held, async () => void order.push('second'));
  await expect(failing).rejects.toThrow('failed');
  await next;
  expect(order).toEqual(['first', 'second']);
});

describe('forEach', () => {
  test('waits for the call in flight, and skips a session that it ended', async () => {
    const sessions = new HeldSessions(1_000);
    const [kept, ended] = [sessions.add(loginOf('kept')), sessions.add(loginOf('ended'))];
    const made = sessions.callInTurn(ended, async () => sessions.drop(ended));
    const seen: string[] = [];
    await sessions.forEach(NEVER, async ({ login }) => void seen.push(login.sessionId));
    expect([seen, await made, sessions.isHeld(kept)]).toEqual([['kept'], true, true]);
  });

  test('keeps to the rate', async () => {
    const sessions = new HeldSessions(100);
    for (let i = 0; i < 12; i++) sessions.add(loginOf(`s${i}`));
    const startedAt = performance.now();
    await sessions.forEach(NEVER, async () => {});
    // 5 sessions per step of 50 ms, without a pause after the last step.
    expect(performance.now() - startedAt).toBeGreaterThan(95);
  });

  test('rejects with an error, after the others of its step', async () => {
    const sessions = new HeldSessions(1_000);
    for (const id of ['bad', 'good']) sessions.add(loginOf(id));
    const seen: string[] = [];
    const processed = sessions.forEach(NEVER, async ({ login: { sessionId } }) => {
      if (sessionId === 'bad') throw new Error('failed');
      await Promise.resolve();
      seen.push(sessionId);
    });
    await expect(processed).rejects.toThrow('failed');
    expect(seen).toEqual(['good']);
  });

  test('rejects if its signal aborts', async () => {
    const sessions = new HeldSessions(1_000);
    sessions.add(loginOf('s1'));
    const processed = sessions.forEach(AbortSignal.abort(new Error('closed')), async () => {});
    await expect(processed).rejects.toThrow('closed');
  });
});
