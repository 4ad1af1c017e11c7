import { expect, test } from 'vitest';
import { Batcher } from '../../../src/store/batcher.ts';

/** Carries nothing out: each item's answer is the item itself. A step leaves what is behind the first `maxWork` items. */
function batcher(maxItems: number, maxWork = maxItems) {
  const steps: number[][] = [];
  const send = async (items: number[]) => {
    steps.push(items);
    return { answers: items.slice(0, maxWork), rest: items.slice(maxWork) };
  };
  return {
    steps,
    batcher: new Batcher<number>({ shards: 1, maxItems, shardOf: () => 0, userOf: String, send }),
  };
}

test('what comes in one turn of the event loop is one step', async () => {
  const { steps, batcher: items } = batcher(10);
  const answers = [items.add([1]), items.add([2, 3])];
  expect(steps).toEqual([]);
  expect(await Promise.all(answers)).toEqual([[1], [2, 3]]);
  expect(steps).toEqual([[1, 2, 3]]);
});

test('a step that is full does not wait for the end of the turn, and the rest keep their order', async () => {
  const { steps, batcher: items } = batcher(3);
  const answers = [items.add([1, 2]), items.add([3, 4, 5, 6, 7])];
  expect(steps).toEqual([[1, 2, 3]]);
  expect(await Promise.all(answers)).toEqual([
    [1, 2],
    [3, 4, 5, 6, 7],
  ]);
  expect(steps).toEqual([[1, 2, 3], [4, 5, 6], [7]]);
});

test('what a step leaves is carried out next, in its own step, and answered in its place', async () => {
  const { steps, batcher: items } = batcher(4, 2);
  const answers = [items.add([1, 2, 3]), items.add([4, 5])];
  expect(await Promise.all(answers)).toEqual([
    [1, 2, 3],
    [4, 5],
  ]);
  expect(steps).toEqual([[1, 2, 3, 4], [3], [4, 5]]);
  expect(items.isIdle(0)).toBe(true);
});

test('the event loop turns between steps that leave something, and the order stays', async () => {
  const { steps, batcher: items } = batcher(9, 1);
  const turns: number[] = [];
  const turn = (): NodeJS.Immediate =>
    setImmediate(() => {
      turns.push(steps.length);
      if (steps.length < 9) turn();
    });
  turn();
  expect(await items.add([1, 2, 3, 4, 5, 6, 7, 8, 9])).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
  expect(turns.length).toBeGreaterThan(4);
  expect(new Set(turns).size).toBe(turns.length);
});

interface Job {
  user: string;
  /** How many steps of its own it needs; 0 for one that fits into any step. */
  cost: number;
  name: string;
}

/** Carries out jobs in their order; a step stops after the first one that has a cost, of which it does a part at a time. */
function jobBatcher(maxItems: number) {
  const done: string[] = [];
  const steps: string[][] = [];
  const send = async (jobs: Job[]) => {
    const answers: string[] = [];
    steps.push(jobs.map(({ name }) => name));
    for (const [i, job] of jobs.entries()) {
      if (job.cost > 1) return { answers, rest: [{ ...job, cost: job.cost - 1 }, ...jobs.slice(i + 1)] };
      answers.push(job.name);
      done.push(job.name);
      if (job.cost === 1) return { answers, rest: jobs.slice(i + 1) };
    }
    return { answers, rest: [] };
  };
  const userOf = ({ user }: Job) => user;
  return { done, steps, batcher: new Batcher<Job>({ shards: 1, maxItems, shardOf: () => 0, userOf, send }) };
}

function heavy(user: string, count: number, cost = 1): Job[] {
  return Array.from({ length: count }, (_, i) => ({ user: `${user}${i}`, cost, name: `${user}${i}` }));
}

test('others get their step between two of heavy requests, however many of those wait', async () => {
  const { done, batcher: jobs } = jobBatcher(8);
  const batches = Array.from({ length: 20 }, (_, i) => jobs.add(heavy(`batch${i}-`, 10, 2)));
  // Each of the batches had its first step.
  while (done.length < 25) await new Promise(setImmediate);
  const before = done.length;
  await jobs.add([{ user: 'bob', cost: 0, name: 'bob' }]);
  expect(before).toBeLessThan(30);
  expect(done.indexOf('bob') - before).toBeLessThan(4);
  await Promise.all(batches);
  expect(new Set(done).size).toBe(201);
});

test('many heavy requests for one user hold up others by a step', async () => {
  const { done, batcher: jobs } = jobBatcher(8);
  const asked = Array.from({ length: 50 }, (_, i) => jobs.add([{ user: 'alice', cost: 1, name: `a${i}` }]));
  await jobs.add([{ user: 'bob', cost: 0, name: 'bob' }]);
  expect(done.indexOf('bob')).toBeLessThan(4);
  await Promise.all(asked);
});

test('hundreds of requests of one peer, each enough for a step, hold up another peer by a few steps', async () => {
  const { done, batcher: jobs } = jobBatcher(8);
  const asked = heavy('a', 500).map((job) => jobs.add([job], 'flood'));
  await jobs.add([{ user: 'bob', cost: 0, name: 'bob' }], 'other');
  expect(done.indexOf('bob')).toBeLessThan(4);
  // Later ones are held up no longer.
  const before = done.length;
  await jobs.add([{ user: 'carol', cost: 0, name: 'carol' }], 'other');
  expect(done.indexOf('carol') - before).toBeLessThan(4);
  expect(done.length).toBeLessThan(20);
  await Promise.all(asked);
  expect(jobs.isIdle(0)).toBe(true);
});

test('peers that ask for much take turns, however much each of them asks for', async () => {
  const { done, batcher: jobs } = jobBatcher(8);
  const flood = heavy('a', 200).map((job) => jobs.add([job], 'flood'));
  const few = heavy('b', 5).map((job) => jobs.add([job], 'few'));
  await Promise.all(few);
  expect(done.length).toBeLessThan(20);
  await Promise.all(flood);
  expect(done.filter((name) => name.startsWith('a'))).toEqual(heavy('a', 200).map(({ name }) => name));
});

test('a heavy request advances while light ones keep coming', async () => {
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
  // Each of its steps lets one full step of the others pass.
  expect(light).toBeLessThan(80);
  expect(done.filter((name) => name.startsWith('h'))).toEqual(heavy('h', 10).map(({ name }) => name));
});

test('operations on one user keep their order, whatever waits', async () => {
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
