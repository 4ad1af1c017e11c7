import { parseArgs } from 'node:util';
import { startRedis } from '../support/servers.ts';
import { fuzzCli } from './cli.ts';
import { Target } from './target.ts';
import { fuzzWire } from './wire.ts';

/** Shares of the cases: calls to each of the two daemons, records, and commands, which are the slowest. */
const SHARES = { wire: 0.4, records: 0.19, commands: 0.01 };

const { values } = parseArgs({
  options: {
    cases: { type: 'string', default: '100000' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
  },
});
const [cases, seed] = [Number(values.cases), Number(values.seed)];
const log = (line: string) => console.log(`${new Date().toISOString()} ${line}`);
log(`fuzzing with --cases ${cases} --seed ${seed}`);
const redis = await startRedis();
const wrong: string[] = [];
try {
  for (const [store, ...args] of [['the embedded store'], ['Redis', '--redis', redis.url]]) {
    log(`a daemon on ${store}`);
    const target = await Target.start(...args);
    wrong.push(...(await fuzzWire(target, { cases: cases * SHARES.wire, seed, readEvery: 2_000, log })));
    if (store === 'Redis') {
      const share = { commands: cases * SHARES.commands, records: cases * SHARES.records };
      wrong.push(...(await fuzzCli({ addr: target.addr, seed, ...share, log })));
      wrong.push(...(await target.faults()), ...(await target.inconsistencies()));
    }
    await target.stop();
  }
} finally {
  await redis.stop();
}
for (const line of wrong) console.log(line);
log(`${wrong.length} faults found`);
process.exitCode = wrong.length === 0 ? 0 : 1;
// Whatever keeps the process alive now was left running by a command.
const leftover = setTimeout(() => {
  log(`1 more: something is still running after all commands (${process.getActiveResourcesInfo()})`);
  process.exit(1);
}, 60_000);
leftover.unref();
