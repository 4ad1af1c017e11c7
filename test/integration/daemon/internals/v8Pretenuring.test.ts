import { expect, test } from 'vitest';
import { grpcClients } from '../../../support/daemon.ts';
import { disposables } from '../../../support/disposables.ts';
import { startProgram } from '../../../support/imstate.ts';

/** Makes V8 print its pretenuring decisions at each collection of the young generation. */
const TRACED = `--import=data:text/javascript,import{setFlagsFromString}from'node:v8';setFlagsFromString('--trace-gc');setFlagsFromString('--trace-pretenuring-statistics')`;

test('allocates no objects of calls in the old generation', async () => {
  const daemon = await startProgram(['serve', '--port', '0'], { env: { NODE_OPTIONS: TRACED } });
  disposables.push(() => daemon.kill());
  const { pb, close } = grpcClients(daemon.addr);
  disposables.push(close);
  const begun = daemon.stdout().length;
  const since = () => daemon.stdout().slice(begun);
  while ((since().match(/Scavenge/g)?.length ?? 0) < 5)
    await Promise.all(Array.from({ length: 100 }, (_, i) => pb.query({ UserID: `user-${i}` })));
  expect(since()).not.toContain('pretenuring:');
});
