import { expect, test } from 'vitest';
import { connect } from '../../../../packages/client/src/connect.ts';
import { fixedEndpoints } from '../../../../packages/client/src/connection/discovery.ts';
import { EndpointView } from '../../../../packages/client/src/connection/endpointView.ts';
import { startTestDaemon } from '../../../support/daemon.ts';

test.each(['im/2', 'im/state.0x1f', '300.1'])(
  'a service named %s, which is not a valid host name, can be called',
  async (service) => {
    const daemon = await startTestDaemon({ service });
    const client = await connect({ dataDir: daemon.dataDir, service });
    expect(await client.getStats()).toMatchObject({ usersOnline: 0 });
    await client.close();
    await daemon.remove();
  },
);

test('errors name the waiting time in whole milliseconds', async () => {
  const probe = async () => ({ health: 'UNREACHABLE' as const });
  const view = new EndpointView(fixedEndpoints(['127.0.0.1:8080']), () => true, probe);
  expect(view.noConnection(439.0755650000001).message).toMatch(/does not answer within 439 ms: /);
  await new Promise<void>((resolve, reject) => view.watch({ onEndpoints: () => resolve(), onError: reject }));
  expect(view.noConnection(439.0755650000001).message).toBe(
    'no connection within 439 ms to 127.0.0.1:8080: is a daemon running there?',
  );
});
