import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { fuzzCli } from './cli.ts';
import { corpus } from './corpus.ts';
import { Target } from './target.ts';
import { fuzzWire } from './wire.ts';

/** The long run is `npm run fuzz`. */
const CASES = 250;
const seeds = [...corpus.seeds, Number(process.env.FUZZ_SEED ?? Date.now() % 1_000_000)];
console.error(`fuzzing with FUZZ_SEED=${seeds.at(-1)}`);

describe.each([
  ['the embedded store', () => []],
  ['Redis', () => ['--redis', inject('redisUrl'), '--key-prefix', `fuzz-${process.pid}:`]],
])('a daemon on %s', (_, args) => {
  let target: Target;
  beforeAll(async () => {
    target = await Target.start(...args());
  });
  afterAll(() => target.stop());

  test.each(seeds)(
    'responds correctly to any input, and keeps its records consistent: seed %d',
    async (seed) => {
      expect(await fuzzWire(target, { cases: CASES, seed, readEvery: CASES })).toEqual([]);
    },
  );

  test('commands handle any command line and any file of records', async () => {
    const seed = seeds.at(-1) as number;
    expect(await fuzzCli({ addr: target.addr, seed, commands: 30, records: 500 })).toEqual([]);
    expect([...(await target.faults()), ...(await target.inconsistencies())]).toEqual([]);
  });
});
