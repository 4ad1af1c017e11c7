import { expect, test } from 'vitest';
import { Batcher } from '../../../src/store/batcher.ts';

/** Answers each item with itself. A call of `send` leaves the items after the first `maxWork`. */
function batcher(maxItems: number, maxWork = maxItems) {
  const sent: number[][] = [];
  const send = async (items: number[]) => {
    sent.push(items);
    return { answers: items.slice(0, maxWork), rest: items.slice(maxWork) };
  };
  return {
    sent,
    batcher: new Batcher<number>({ shards: 1, maxItems, shardOf: () => 0, userOf: String, send }),
  };
}

test('sends the items of one turn of the event loop together', async () => {
  const { sent, batcher: items } = batcher(10);
  const answers = [items.add([1]), items.add([2, 3])];
  expect(sent).toEqual([]);
  expect(await Promise.all(answers)).toEqual([[1], [2, 3]]);
  expect(sent).toEqual([[1, 2, 3]]);
});

test('sends a full batch before the end of the turn, and keeps the order', async () => {
  const { sent, batcher: items } = batcher(3);
  const answers = [items.add([1, 2]), items.add([3, 4, 5, 6, 7])];
  expect(sent).toEqual([[1, 2, 3]]);
  expect(await Promise.all(answers)).toEqual([
    [1, 2],
    [3, 4, 5, 6, 7],
  ]);
  expect(sent).toEqual([[1, 2, 3], [4, 5, 6], [7]]);
});

test('sends the rest of a batch next, by itself, and keeps the order of the answers', async () => {
  const { sent, batcher: items } = batcher(4, 2);
  const answers = [items.add([1, 2, 3]), items.add([4, 5])];
  expect(await Promise.all(answers)).toEqual([
    [1, 2, 3],
    [4, 5],
  ]);
  expect(sent).toEqual([[1, 2, 3, 4], [3], [4, 5]]);
  expect(items.isIdle(0)).toBe(true);
});

test('yields to the event loop between partial batches, and keeps the order', async () => {
  const { sent, batcher: items } = batcher(9, 1);
  const turns: number[] = [];
  const turn = (): NodeJS.Immediate =>
    setImmediate(() => {
      turns.push(sent.length);
      if (sent.length < 9) turn();
    });
  turn();
  expect(await items.add([1, 2, 3, 4, 5, 6, 7, 8, 9])).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
  expect(turns.length).toBeGreaterThan(4);
  expect(new Set(turns).size).toBe(turns.length);
});

interface Job {
  user: string;
  /** How many calls of `send` it needs for itself; 0 if it fits into any. */
  cost: number;
  name: string;
}

/** Executes jobs in order. A call stops after the first job with a cost, and does one unit of it. */
function jobBatcher(maxItems: number) {
  const done: string[] = [];
  const sent: string[][] = [];
  const send = async (jobs: Job[]) => {
    const answers: string[] = [];
    sent.push(jobs.map(({ name }) => name));
    for (const [i, job] of jobs.entries()) {
      if (job.cost > 1) return { answers, rest: [{ ...job, cost: job.cost - 1 }, ...jobs.slice(i + 1)] };
      answers.push(job.name);
      done.push(job.name);
      if (job.cost === 1) return { answers, rest: jobs.slice(i + 1) };
    }
    return { answers, rest: [] };
  };
  const userOf = ({ user }: Job) => user;
  return { done, sent, batcher: new Batcher<Job>({ shards: 1, maxItems, shardOf: () => 0, userOf, send }) };
}

function heavy(user: string, count: number, cost = 1): Job[] {
  return Array.from({ length: count }, (_, i) => ({ user: `${user}${i}`, cost, name: `${user}${i}` }));
}

test('serves other requests between two batches of heavy ones', async () => {
  const { done, batcher: jobs } = jobBatcher(8);
  const batches = Array.from({ length: 20 }, (_, i) => jobs.add(heavy(`batch${i}-`, 10, 2)));
  // Each of the requests has had its first turn.
  while (done.length < 25) await new Promise(setImmediate);
  const before = done.length;
  await jobs.add([{ user: 'bob', cost: 0, name: 'bob' }]);
  expect(before).toBeLessThan(30);
  expect(done.indexOf('bob') - before).toBeLessThan(4);
  await Promise.all(batches);
  expect(new Set(done).size).toBe(201);
});

test('delays others by only a batch if many heavy requests are for one user', async () => {
  const { done, batcher: jobs } = jobBatcher(8);
  const added = Array.from({ length: 50 }, (_, i) => jobs.add([{ user: 'alice', cost: 1, name: `a${i}` }]));
  await jobs.add([{ user: 'bob', cost: 0, name: 'bob' }]);
  expect(done.indexOf('bob')).toBeLessThan(4);
  await Promise.all(added);
});

test('delays a peer by only a few batches behind hundreds of heavy requests of another peer', async () => {
  const { done, batcher: jobs } = jobBatcher(8);
  const added = heavy('a', 500).map((job) => jobs.add([job], 'flood'));
  await jobs.add([{ user: 'bob', cost: 0, name: 'bob' }], 'other');
  expect(done.indexOf('bob')).toBeLessThan(4);
  // Later requests are not delayed longer.
  const before = done.length;
  await jobs.add([{ user: 'carol', cost: 0, name: 'carol' }], 'other');
  expect(done.indexOf('carol') - before).toBeLessThan(4);
  expect(done.length).toBeLessThan(20);
  await Promise.all(added);
  expect(jobs.isIdle(0)).toBe(true);
});

test('alternates between peers with heavy requests, however many each has', async () => {
  const { done, batcher: jobs } = jobBatcher(8);
  const flood = heavy('a', 200).map((job) => jobs.add([job], 'flood'));
  const few = heavy('b', 5).map((job) => jobs.add([job], 'few'));
  await Promise.all(few);
  expect(done.length).toBeLessThan(20);
  await Promise.all(flood);
  expect(done.filter((name) => name.startsWith('a'))).toEqual(heavy('a', 200).map(({ name }) => name));
});

test('advances a heavy request while light ones keep arriving', async () => {
  const { done, batcher: jobs } = jobBatcher(4);
  let isDone = false;
  const batch = jobs.add(heavy('h', 10)).then(() => {
    isDone = true;
  });
  let light = 0;
  while (!isDone) {
    const more = Array.from({ length: 4 }, () => ({
      user: `light${light++}`,
      cost: 0,
      name: `light${light}`,
    }));
    await jobs.add(more);
  }
  await batch;
  // Each of its turns lets one full batch of the others pass.
  expect(light).toBeLessThan(80);
  expect(done.filter((name) => name.startsWith('h'))).toEqual(heavy('h', 10).map(({ name }) => name));
});

test('keeps the order of operations on one user under any load', async () => {
  let seed = 7;
  const random = (below: number) => {
    seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
    return (seed >> 8) % below;
  };
  const { done, batcher: jobs } = jobBatcher(5);
  const added: Job[] = [];
  const answers: Promise<unknown>[] = [];
  for (let batch = 0; batch < 400; batch++) {
    const group = Array.from({ length: 1 + random(12) }, (): Job => {
      const job = { user: `u${random(15)}`, cost: random(4) === 0 ? 1 + random(3) : 0, name: '' };
      job.name = `${job.user}:${added.push(job)}`;
      return job;
    });
    const peer = [undefined, 'a', 'b', 'c'][random(4)];
    answers.push(jobs.add(group, peer).then((got) => expect(got).toEqual(group.map(({ name }) => name))));
    if (random(3) === 0) await new Promise(setImmediate);
  }
  await Promise.all(answers);
  for (let user = 0; user < 15; user++) {
    const of = (names: string[]) => names.filter((name) => name.startsWith(`u${user}:`));
    expect(of(done)).toEqual(of(added.map(({ name }) => name)));
  }
  expect(jobs.isIdle(0)).toBe(true);
});
