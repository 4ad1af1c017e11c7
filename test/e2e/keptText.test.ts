import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { scratchDirectory } from '../support/credentials.ts';
import { disposables } from '../support/disposables.ts';
import { startImstateWith } from '../support/imstate.ts';
import { field } from '../support/protobuf.ts';
import { frame, rawGrpc } from '../support/rawGrpc.ts';
import { until } from '../support/until.ts';

const MARK = 'kept-beyond-its-call';
const MIB = 2 ** 20;

/** A message, padded with an unknown field. */
function filled(message: Buffer, bytes: number): Buffer {
  return frame(Buffer.concat([message, field(15, Buffer.alloc(bytes, 'x'))]));
}

/** The own sizes, in bytes, of the strings of a heap snapshot that contain the mark. */
function markedStrings(snapshot: string): number[] {
  const { nodes, strings, snapshot: about } = JSON.parse(snapshot);
  const { node_fields: fields, node_types: types } = about.meta;
  const [type, name, size] = ['type', 'name', 'self_size'].map((each) => fields.indexOf(each));
  const sizes: number[] = [];
  for (let at = 0; at < nodes.length; at += fields.length) {
    const isString = types[type][nodes[at + type]].includes('string');
    if (isString && strings[nodes[at + name]].includes(MARK)) sizes.push(nodes[at + size]);
  }
  return sizes;
}

async function snapshotOf(folder: string): Promise<string> {
  return until(async () => {
    const [name] = (await readdir(folder)).filter((each) => each.endsWith('.heapsnapshot'));
    const text = name && (await readFile(join(folder, name), 'utf8'));
    return text?.endsWith('}\n') || text?.endsWith('}') ? text : '';
  }, 'the heap snapshot is written');
}

test('copies the names that a stream keeps, so that no message stays in memory', {
  timeout: 60_000,
}, async () => {
  const folder = await scratchDirectory();
  const daemon = await startImstateWith(
    ['--heapsnapshot-signal=SIGUSR2', `--diagnostic-dir=${folder}`],
    ...['serve', '--port', '0', '--log-level', 'debug'],
  );
  disposables.push(() => daemon.kill());
  const raw = rawGrpc(daemon.addr);
  disposables.push(() => raw.destroy());
  const name = (i: number) => `${MARK}-${i}-`.padEnd(64, 'y');
  const start = field(1, Buffer.concat([field(1, name(1)), field(5, '')]));
  const update = field(2, field(1, name(2)));
  const watch = raw.begin('/imstate.v1.PresenceService/Watch', filled(start, MIB / 2));
  watch.write(filled(update, MIB / 2));
  const servers = raw.begin(
    '/imstate.v1.PresenceService/Watch',
    filled(field(1, field(2, name(3))), MIB / 2),
  );
  const address = `${name(4)}.example:9000`;
  const lease = raw.begin(
    '/imstate.v1.PresenceService/KeepServerAlive',
    filled(Buffer.concat([field(1, address), Buffer.of(16, 1)]), 32_768),
  );
  const apply = raw.begin(
    '/imstate.v1.PresenceService/Apply',
    filled(field(1, field(4, field(1, name(5)))), MIB / 2),
  );
  const health = raw.begin('/grpc.health.v1.Health/Watch').end(frame(field(1, name(6))));
  const answers = [watch, servers, lease, apply, health].map(
    (stream) => new Promise((resolve) => stream.once('data', resolve)),
  );
  await Promise.all(answers);
  const next = new Promise((resolve) => watch.once('data', resolve));
  watch.write(filled(field(2, field(1, name(7))), MIB / 2));
  await next;

  process.kill(daemon.pid, 'SIGUSR2');
  const sizes = markedStrings(await snapshotOf(folder));
  // The names that streams keep are present, and nothing longer than a name.
  expect(sizes.length).toBeGreaterThan(3);
  expect(Math.max(...sizes)).toBeLessThan(512);
});
