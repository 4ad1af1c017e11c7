import { expect, test } from 'vitest';
import { type ReadBudget, ReadPool } from '../../../src/store/reads.ts';

const KIB = 1_024;
const refused = { code: 'RESOURCE_EXHAUSTED', message: expect.stringContaining('nothing was done') };

/** A request of a peer that reads `bytes`, and is answered when the returned function is called. */
async function read(pool: ReadPool, peer: string, bytes: number) {
  let answer = () => {};
  const answered = new Promise<void>((resolve) => {
    answer = resolve;
  });
  let budget: ReadBudget | undefined;
  const over = pool.use(peer, async (given) => {
    budget = given;
    await answered;
  });
  const end = async () => {
    answer();
    await over;
  };
  try {
    budget?.spend(0, bytes);
  } catch (error) {
    await end();
    throw error;
  }
  return end;
}

test('leaves room for other peers if one reads very much', async () => {
  const pool = new ReadPool(1_000 * KIB);
  const answers = [await read(pool, 'flood', 250 * KIB), await read(pool, 'flood', 250 * KIB)];
  await expect(read(pool, 'flood', 250 * KIB)).rejects.toMatchObject(refused);
  expect(pool.bytes).toBe(500 * KIB);
  // A third of the rest at most.
  answers.push(await read(pool, 'other', 200 * KIB));
  await expect(read(pool, 'other', 200 * KIB)).rejects.toMatchObject(refused);
  for (const answer of answers) await answer();
  expect([pool.bytes, pool.bytesOf('flood'), pool.bytesOf('other')]).toEqual([0, 0, 0]);
  await (await read(pool, 'flood', 500 * KIB))();
});

test('never rejects a small request, however much its peer holds', async () => {
  const pool = new ReadPool(1_000 * KIB);
  const large = await read(pool, 'flood', 500 * KIB);
  const small: (() => Promise<void>)[] = [];
  for (let i = 0; i < 20; i++) small.push(await read(pool, 'flood', 32 * KIB));
  expect(pool.bytes).toBeGreaterThan(1_000 * KIB);
  await expect(read(pool, 'other', 33 * KIB)).rejects.toMatchObject(refused);
  for (const answer of [large, ...small]) await answer();
  expect(pool.bytes).toBe(0);
});
