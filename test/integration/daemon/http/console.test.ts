import { expect, test } from 'vitest';
import { startDaemon } from '../../../support/disposables.ts';
import { ask } from '../../../support/http.ts';

const http = { addr: '127.0.0.1', port: 0 };

test('compresses the page only for clients that accept gzip', async () => {
  const { http: url } = await startDaemon({ http });
  const codingFor = async (accepted: string) =>
    (await ask(`${url}/console/`, { headers: { 'accept-encoding': accepted } })).headers['content-encoding'];
  for (const accepted of ['gzip', 'br, gzip', 'GZIP;q=0.5, br', 'identity;q=0, gzip ; q=1'])
    expect([accepted, await codingFor(accepted)]).toEqual([accepted, 'gzip']);
  for (const refused of ['', 'br', 'gzip;q=0', 'gzip; q=0.000, br', 'br, gzip ; q=0', 'x-gzip-2', 'gzipped'])
    expect([refused, await codingFor(refused)]).toEqual([refused, undefined]);
});
