import { expect, test } from 'vitest';
import { EndpointView, fixedEndpoints } from '../../src/client/discovery.ts';

test('a time that was waited in vain is told in whole milliseconds', async () => {
  const view = new EndpointView(fixedEndpoints(['127.0.0.1:8080']), () => true);
  expect(view.noConnection(439.0755650000001).message).toMatch(/does not answer within 439 ms: /);
  await new Promise<void>((resolve, reject) => view.watch({ onEndpoints: () => resolve(), onError: reject }));
  expect(view.noConnection(439.0755650000001).message).toBe(
    'no connection within 439 ms to 127.0.0.1:8080: is a daemon running there?',
  );
});
