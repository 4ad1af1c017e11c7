import { describe, expect, test } from 'vitest';
import { type Shared, WatchBacklog } from '../../../../src/daemon/watch/backlog.ts';

const MIB = 2 ** 20;

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
