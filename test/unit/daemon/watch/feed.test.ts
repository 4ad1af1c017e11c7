import { describe, expect, test } from 'vitest';
import type { WatchResponse__Output } from '../../../../packages/client/src/generated/imstate/v1/WatchResponse.ts';
import { loadCodec } from '../../../../packages/client/src/wire/codec.ts';
import { WatchBacklog } from '../../../../src/daemon/watch/backlog.ts';
import { ChangeFeed, MAX_MESSAGE_BYTES } from '../../../../src/daemon/watch/feed.ts';
import { PublishedChange } from '../../../../src/daemon/watch/publishedChange.ts';
import { NO_DETAILS } from '../../../../src/presence/details.ts';

const MIB = 2 ** 20;
const readResponse = loadCodec().reader<WatchResponse__Output>('imstate.v1.WatchResponse');

function changeOf(i: number, deviceId = 'phone'): PublishedChange {
  const change = {
    userId: `user-${i}`,
    deviceId,
    wasOnline: false,
    ended: undefined,
    devicesOnline: 1,
    timeMs: i,
    began: {
      sessionId: `s-${i}`,
      serverAddr: '10.0.0.1:9000',
      platform: '',
      loginTimeMs: i,
      details: NO_DETAILS,
    },
  };
  return new PublishedChange(change, `c-${i}`, `r-${i}`);
}

class Reader {
  position = 0;
  wakes = 0;
  isOver = false;
  wake = () => {
    this.wakes += 1;
  };
  overflow = () => {
    this.isOver = true;
  };
}

describe('the feed', () => {
  test('encodes a message once for all watches at the same position', () => {
    const feed = new ChangeFeed(new WatchBacklog(MIB, () => {}));
    const readers = [new Reader(), new Reader()];
    for (const reader of readers) feed.join(reader);
    for (let i = 0; i < 3; i++) feed.append(changeOf(i));
    const frames = readers.map(({ position }) => feed.messageAt(position).framed.frame);
    expect(frames[0]).toBe(frames[1]);
    const { changes, revision } = readResponse(feed.messageAt(0).framed.body);
    expect(changes.map(({ userId, revision }) => [userId, revision])).toEqual([
      ['user-0', 'r-0'],
      ['user-1', 'r-1'],
      ['user-2', 'r-2'],
    ]);
    expect(revision).toBe('r-2');
  });

  test('limits the bytes of a message that starts at a position', () => {
    const feed = new ChangeFeed(new WatchBacklog(MIB, () => {}));
    feed.join(new Reader());
    for (let i = 0; i < 600; i++) feed.append(changeOf(i, 'd'.repeat(200)));
    const found: string[] = [];
    for (let at = 0; at < feed.end; ) {
      const message = feed.messageAt(at);
      expect(message.framed.size).toBeLessThan(MAX_MESSAGE_BYTES + 100);
      found.push(...message.changes.map(({ change }) => change.userId));
      at += message.changes.length;
    }
    expect(found).toEqual(Array.from({ length: 600 }, (_, i) => `user-${i}`));
  });

  test('wakes idle readers at the next change, and keeps nothing without readers', () => {
    const backlog = new WatchBacklog(MIB, () => {});
    const feed = new ChangeFeed(backlog);
    const [idle, busy] = [new Reader(), new Reader()];
    feed.join(idle);
    feed.join(busy);
    feed.rest(idle);
    feed.append(changeOf(0));
    feed.append(changeOf(1));
    expect([idle.wakes, busy.wakes]).toEqual([1, 0]);
    expect(backlog.bytes).toBeGreaterThan(0);
    feed.leave(idle);
    feed.leave(busy);
    expect([backlog.bytes, feed.bytesFrom(feed.end)]).toEqual([0, 0]);
  });

  test('drops a reader that lags too far, and changes that all others have read', () => {
    const backlog = new WatchBacklog(100 * MIB, () => {});
    const feed = new ChangeFeed(backlog);
    const [slow, quick] = [new Reader(), new Reader()];
    feed.join(slow);
    feed.join(quick);
    slow.overflow = () => {
      slow.isOver = true;
      feed.leave(slow);
    };
    let max = 0;
    for (let i = 0; i < 11_000; i++) {
      feed.append(changeOf(i));
      quick.position = feed.end;
      max = Math.max(max, backlog.bytes);
    }
    expect([slow.isOver, quick.isOver]).toEqual([true, false]);
    expect(backlog.bytes).toBeLessThan(max / 10);
  });
});
