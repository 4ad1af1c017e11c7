import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { TokenFile } from '../support/credentials.ts';
import { grpcClients } from '../support/daemon.ts';
import { disposables } from '../support/disposables.ts';
import { HOLDERS } from '../support/holders.ts';
import { startImstateWith } from '../support/imstate.ts';
import { type HeldRow, heldRows, residentBytes } from '../support/memory.ts';
import { field } from '../support/protobuf.ts';
import { frame, rawGrpc } from '../support/rawGrpc.ts';

const MIB = 2 ** 20;
const HEAP = '--max-old-space-size=512';
const rows = await heldRows();

test('drives each row of the table to its limit', () => {
  expect(rows.map(({ held }) => held)).toEqual(Object.keys(HOLDERS));
});

describe.each(rows)('$held: $limit', ({ held, maxMiB }: HeldRow) => {
  test(`grows by less than ${maxMiB} MiB, and answers`, { timeout: 120_000 }, async () => {
    const daemon = await startImstateWith([HEAP], 'serve', '--port', '0');
    disposables.push(() => daemon.kill());
    const clients = grpcClients(daemon.addr);
    disposables.push(() => clients.close());
    await clients.v1.getUser({ userId: 'alice' });
    const before = await residentBytes(daemon.pid);
    await HOLDERS[held]?.(daemon.addr);
    expect(await clients.v1.getUser({ userId: 'alice' })).toMatchObject({ online: false });
    const grownMiB = Math.round(((await residentBytes(daemon.pid)) - before) / MIB);
    console.error(JSON.stringify({ held, grownMiB, maxMiB }));
    expect(grownMiB).toBeLessThan(maxMiB);
  });
});

describe('a compressed name of 1 MiB on each of 990 health streams', () => {
  test.each([[[]], [['--auth-tokens']]])(
    'does not grow the daemon, %j',
    { timeout: 60_000 },
    async (auth) => {
      const file = await TokenFile.make();
      const daemon = await startImstateWith(
        [HEAP],
        ...['serve', '--port', '0', ...auth.flatMap((flag) => [flag, file.path])],
      );
      disposables.push(() => daemon.kill());
      const before = await residentBytes(daemon.pid);
      const raw = rawGrpc(daemon.addr);
      disposables.push(() => raw.destroy());
      const request = frame(gzipSync(field(1, Buffer.alloc(2 ** 20, 'x'))), 1);
      const answers = Array.from({ length: 990 }, () =>
        raw.send('/grpc.health.v1.Health/Watch', request, { 'grpc-encoding': 'gzip' }),
      );
      const codes = (await Promise.all(answers)).map(({ headers }) => headers['grpc-status']);
      expect(new Set(codes)).toEqual(new Set(['8']));
      const clients = grpcClients(daemon.addr, file.tokens.reader);
      disposables.push(() => clients.close());
      expect(await clients.v1.getUser({ userId: 'alice' })).toMatchObject({ online: false });
      expect((await residentBytes(daemon.pid)) - before).toBeLessThan(100 * MIB);
    },
  );
});
