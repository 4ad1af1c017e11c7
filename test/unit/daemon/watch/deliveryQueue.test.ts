import { describe, expect, test } from 'vitest';
import { DeliveryQueue } from '../../../../src/daemon/watch/deliveryQueue.ts';

const MIB = 2 ** 20;

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
