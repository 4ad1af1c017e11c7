import { describe, expect, test } from 'vitest';
import type { WatchResponse__Output } from '../../../packages/client/src/generated/imstate/v1/WatchResponse.ts';
import { loadCodec } from '../../../packages/client/src/wire/codec.ts';
import { type Shared, WatchBacklog } from '../../../src/daemon/watch/backlog.ts';
import { DeliveryQueue } from '../../../src/daemon/watch/delivery.ts';
import { ChangeFeed, MAX_MESSAGE_BYTES } from '../../../src/daemon/watch/feed.ts';
import { PublishedChange } from '../../../src/daemon/watch/publishedChange.ts';

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
    began: { sessionId: `s-${i}`, serverAddr: '10.0.0.1:9000', platform: '', loginTimeMs: i },
  };
  return new PublishedChange(change, `r-${i}`);
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

describe('the delivery queue', () => {
  test('yields to other work, and delivers everything in order', async () => {
    const queue = new DeliveryQueue();
    const order: string[] = [];
    const done = new Promise<void>((resolve) => {
      for (let i = 0; i < 50; i++) {
        const deliver = () => {
          // Half of the limit of one turn.
          order.push(`${i}`);
          if (i === 49) resolve();
          return MIB / 2;
        };
        queue.push({ deliver });
      }
    });
    const call = () => {
      order.push('call');
      if (order.length < 70) setImmediate(call);
    };
    setImmediate(call);
    await done;
    expect(order.filter((each) => each !== 'call')).toEqual(Array.from({ length: 50 }, (_, i) => `${i}`));
    expect(order.filter((each) => each === 'call').length).toBeGreaterThan(15);
  });

  test('serves a repeated entry after all others', async () => {
    const queue = new DeliveryQueue();
    const order: string[] = [];
    await new Promise<void>((resolve) => {
      const sender = (name: string, times: number) => {
        let left = times;
        const self = {
          deliver: () => {
            order.push(name);
            left -= 1;
            if (left > 0) queue.push(self);
            else if (name === 'a') resolve();
            return 0;
          },
        };
        queue.push(self);
      };
      sender('a', 3);
      sender('b', 2);
      sender('c', 1);
    });
    expect(order).toEqual(['a', 'b', 'c', 'a', 'b', 'a']);
  });
});

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

describe('the backlog of all watches', () => {
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  const memberOf = (backlog: WatchBacklog, bytes: number) => {
    const member = {
      backlogBytes: bytes,
      closeForBacklog: () => {
        backlog.leave(member);
        backlog.add(-bytes);
        member.backlogBytes = 0;
      },
    };
    backlog.join(member);
    backlog.add(bytes);
    return member;
  };

  test('closes the largest watches first, only beyond the budget and only as many as needed', async () => {
    const reports: [number, number][] = [];
    const backlog = new WatchBacklog(MIB, (...report) => reports.push(report));
    const members = [300_000, 500_000, 200_000].map((bytes) => memberOf(backlog, bytes));
    await turn();
    expect(members.map(({ backlogBytes }) => backlogBytes)).toEqual([300_000, 500_000, 200_000]);
    memberOf(backlog, 100_000);
    await turn();
    expect(members.map(({ backlogBytes }) => backlogBytes)).toEqual([300_000, 0, 200_000]);
    expect([backlog.closed, backlog.bytes]).toEqual([1, 600_000]);
    expect(reports).toEqual([[1, 1_100_000]]);
  });

  test('counts a message with several holders once', () => {
    const backlog = new WatchBacklog(MIB, () => {});
    const shared = { size: 1_000, holders: 0, closedHolders: 0 };
    backlog.hold(shared);
    backlog.hold(shared);
    expect(backlog.bytes).toBe(1_000);
    backlog.release(shared);
    expect(backlog.bytes).toBe(1_000);
    backlog.release(shared);
    expect(backlog.bytes).toBe(0);
  });

  /** Watches that each have a message of 1 MiB in the network. */
  class Unread {
    readonly messages: Shared[] = [];
    readonly cuts: number[] = [];
    readonly #backlog: WatchBacklog;

    constructor(backlog: WatchBacklog) {
      this.#backlog = backlog;
    }

    async add(): Promise<void> {
      const message = { size: MIB, holders: 0, closedHolders: 0 };
      const number = this.messages.push(message);
      const holder = {
        cut: () => {
          this.cuts.push(number);
          this.#backlog.releaseClosed(message, holder);
        },
      };
      const member = {
        backlogBytes: MIB,
        closeForBacklog: () => {
          this.#backlog.leave(member);
          this.#backlog.holdClosed(message, holder);
        },
      };
      this.#backlog.join(member);
      this.#backlog.hold(message);
      await turn();
    }
  }

  test('closes no further watches for bytes that closed watches will release', async () => {
    const backlog = new WatchBacklog(10 * MIB, () => {});
    const unread = new Unread(backlog);
    for (let i = 0; i < 14; i++) await unread.add();
    // 9 fit into the budget, then 10.
    expect([backlog.closed, backlog.bytes, unread.cuts]).toEqual([4, 14 * MIB, []]);
  });

  test('limits what closed watches hold by cutting off the first that were closed', async () => {
    const backlog = new WatchBacklog(10 * MIB, () => {});
    const unread = new Unread(backlog);
    for (let i = 0; i < 30; i++) await unread.add();
    expect(backlog.closed).toBeLessThan(23);
    expect(backlog.bytes).toBeLessThanOrEqual(15 * MIB);
    expect(unread.cuts.length).toBeGreaterThan(0);
    const closed = unread.messages.filter(({ closedHolders }) => closedHolders > 0);
    expect(closed.length).toBe(5);
  });

  test('counts a message as used while an open watch holds it', () => {
    const backlog = new WatchBacklog(MIB, () => {});
    const shared = { size: 1_000, holders: 0, closedHolders: 0 };
    const closed = { cut: () => {} };
    backlog.hold(shared);
    backlog.hold(shared);
    expect(backlog.usedBytes).toBe(1_000);
    backlog.holdClosed(shared, closed);
    expect(backlog.usedBytes).toBe(1_000);
    backlog.release(shared);
    expect([backlog.usedBytes, backlog.bytes]).toEqual([0, 1_000]);
    backlog.hold(shared);
    expect(backlog.usedBytes).toBe(1_000);
    backlog.releaseClosed(shared, closed);
    expect(backlog.usedBytes).toBe(1_000);
    backlog.release(shared);
    expect([backlog.usedBytes, backlog.bytes]).toEqual([0, 0]);
  });
});
