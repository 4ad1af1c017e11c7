import { randomUUID } from 'node:crypto';
import { Etcd3 } from 'etcd3';
import { beforeEach, describe, expect, inject, test } from 'vitest';
import { type Client, connect } from '../../packages/client/src/index.ts';
import { disposables } from '../support/disposables.ts';
import { type Imstate, startImstate } from '../support/imstate.ts';
import { until } from '../support/until.ts';
import { Load } from './load.ts';

describe('three daemons under load', () => {
  let service: string;
  let etcd: Etcd3;
  let flags: string[];
  let daemons: Imstate[];
  let client: Client;
  let load: Load;

  beforeEach(async () => {
    service = `test/${randomUUID()}`;
    etcd = new Etcd3({ hosts: `http://${inject('etcdHost')}` });
    disposables.push(() => etcd.close());
    flags = ['--port', '0', '--redis', inject('redisUrl'), '--key-prefix', `test-${randomUUID()}:`];
    flags.push('--etcd', inject('etcdHost'), '--service', service, '--lease-ttl', '2s');
    daemons = await Promise.all([1, 2, 3].map(() => start()));
    client = await connect({ etcd: inject('etcdHost'), service, timeoutMs: 30_000 });
    disposables.push(() => client.close());
    load = new Load(client);
    disposables.push(() => load.stop());
    await load.proceed(300);
  });

  async function start(): Promise<Imstate> {
    const daemon = await startImstate('serve', ...flags);
    disposables.push(() => daemon.kill());
    return daemon;
  }

  test('no call fails during a rolling restart', async () => {
    for (const daemon of daemons) {
      daemon.signal('SIGTERM');
      expect(await daemon.ended).toBe(0);
      await start();
      await load.proceed(300);
    }
    await load.stop();
    expect(load.failures).toEqual([]);
    expect(await load.lost()).toEqual([]);
  });

  test('only calls in flight to a frozen daemon fail, and it registers again when it resumes', async () => {
    const [frozen] = daemons as [Imstate];
    frozen.signal('SIGSTOP');
    const isListed = () => etcd.get(`${service}/${frozen.addr}`).string();
    await until(async () => (await isListed()) === null, 'the entry has expired');
    await load.proceed(300);
    const failed = load.failures.length;
    await load.proceed(300);
    expect(load.failures).toHaveLength(failed);
    frozen.signal('SIGCONT');
    await until(isListed, 'the daemon is registered again');
    await load.proceed(300);
    await load.stop();
    const unsure = { code: 'UNAVAILABLE', message: expect.stringContaining('may have been applied') };
    for (const failure of load.failures) expect(failure).toMatchObject(unsure);
    expect(await load.lost()).toEqual([]);
  });
});
