import { describe, expect, test } from 'vitest';
import { grpcClients } from '../support/daemon.ts';
import { HOLDERS } from '../support/holders.ts';
import { startImstateWith } from '../support/imstate.ts';
import { type HeldRow, heldRows, residentBytes } from '../support/memory.ts';
import { undo } from '../support/undo.ts';

const MIB = 2 ** 20;
const HEAP = '--max-old-space-size=512';
const rows = await heldRows();

test('each row of the table is driven to its limit', () => {
  expect(rows.map(({ held }) => held)).toEqual(Object.keys(HOLDERS));
});

describe.each(rows)('$held: $limit', ({ held, maxMiB }: HeldRow) => {
  test(`the daemon grows by less than ${maxMiB} MiB, and answers`, { timeout: 120_000 }, async () => {
    const daemon = await startImstateWith([HEAP], 'serve', '--port', '0');
    undo.push(() => daemon.kill());
    const clients = grpcClients(daemon.addr);
    undo.push(() => clients.close());
    await clients.v1.getUser({ userId: 'alice' });
    const before = await residentBytes(daemon.pid);
    await HOLDERS[held]?.(daemon.addr);
    expect(await clients.v1.getUser({ userId: 'alice' })).toMatchObject({ online: false });
    const grownMiB = Math.round(((await residentBytes(daemon.pid)) - before) / MIB);
    console.error(JSON.stringify({ held, grownMiB, maxMiB }));
    expect(grownMiB).toBeLessThan(maxMiB);
  });
});
