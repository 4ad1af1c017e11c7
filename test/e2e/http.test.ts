import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Redis } from 'ioredis';
import { expect, test } from 'vitest';
import { clientOf, disposables, startDaemon } from '../support/disposables.ts';
import { startRedis, temporaryDirectory } from '../support/servers.ts';
import { until } from '../support/until.ts';

const http = { addr: '127.0.0.1', port: 0 };
const SERVER = '10.0.0.1:9000';
const page = await readFile('docs/http.md', 'utf8');

/** The blocks of code in the page. */
function blocks(language: string): string[] {
  return [...page.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\`$`, 'gms'))].map(
    ([, code = '']) => code,
  );
}

/** Runs a program to its end; what it printed. */
async function run(
  command: string,
  args: string[],
): Promise<{ code: unknown; stdout: string; stderr: string }> {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const texts = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const)
    child[name].setEncoding('utf8').on('data', (chunk) => {
      texts[name] += chunk;
    });
  const [code] = await once(child, 'close');
  return { code, ...texts };
}

test('the calls of docs/http.md by curl do what the page says', async () => {
  const daemon = await startDaemon({ http });
  const [script = ''] = blocks('sh');
  const local = script.replaceAll('http://127.0.0.1:9090', String(daemon.http));
  const { code, stdout, stderr } = await run('bash', ['-euc', local]);
  expect([code, stderr]).toEqual([0, '']);
  const [lease, alice, bob, routes, heartbeat, logout] = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(lease).toMatchObject({ serverAddr: SERVER, ttlMs: 60_000, partial: false });
  expect([alice, bob]).toMatchObject([
    { userId: 'alice', sessionId: 'a-1', endReason: null, rejected: false },
    { userId: 'bob', sessionId: 'b-1' },
  ]);
  expect(routes).toMatchObject({
    servers: [
      { serverAddr: SERVER, sessions: [{ sessionId: 'a-1', platform: 'ios' }, { sessionId: 'b-1' }] },
    ],
    offline: ['carol'],
  });
  expect([heartbeat, logout]).toMatchObject([{ ended: [] }, { applied: true }]);
  const { devices } = await (await clientOf(daemon.addr)).getUser({ userId: 'alice', explain: true });
  expect(devices).toMatchObject([{ online: true, explanation: { graceEndTime: expect.any(Date) } }]);
});

/** Runs commands of its standard input, and prints their results and the ends of sessions as JSON. */
const DRIVER = `
import sys
def ended(session_id, reason): print(json.dumps({"ended": session_id, "reason": reason}), flush=True)
def drained(session_id):
    server.offline(session_id)
    print(json.dumps({"drained": session_id}), flush=True)
server = ChatServer(sys.argv[1], "${SERVER}", ended, drained, ttl_ms=3_000)
print(json.dumps({"ready": True}), flush=True)
for line in sys.stdin: print(json.dumps({"result": eval(line)}), flush=True)
`;

/** The chat server of the page as a process. */
async function startPython(url: string) {
  const { path, remove } = await temporaryDirectory();
  const file = join(path, 'chat_server.py');
  await writeFile(file, blocks('python')[0] + DRIVER);
  const child = spawn('/usr/bin/python3', [file, url], { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = once(child, 'close');
  disposables.push(async () => {
    child.kill('SIGKILL');
    await ended;
    await remove();
  });
  const printed: Record<string, unknown>[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => void printed.push(JSON.parse(line)));
  await until(() => printed.some(({ ready }) => ready), 'the chat server is ready');
  return {
    printed,
    kill: () => child.kill('SIGKILL'),
    exitCode: ended.then(([code]) => code),
    async evaluate(expression: string): Promise<unknown> {
      const before = printed.filter((each) => 'result' in each).length;
      child.stdin.write(`${expression}\n`);
      const results = () => printed.filter((each) => 'result' in each);
      await until(() => results().length > before, expression);
      return results()[before]?.result;
    },
  };
}

test('the chat server of docs/http.md in Python keeps its sessions, and hears of those that end', async () => {
  const redis = await startRedis();
  disposables.push(() => redis.stop());
  const daemon = await startDaemon({ http, redis: redis.url });
  const client = await clientOf(daemon.addr);
  const isOnline = async (userId: string) => (await client.getUser({ userId })).online;
  const python = await startPython(String(daemon.http));
  expect(await python.evaluate('server.online("alice", "phone", "a-1", platform="ios")')).toMatchObject({
    endReason: null,
  });
  await python.evaluate('server.online("bob", "web", "b-1")');
  expect(await python.evaluate('server.route(["alice", "bob", "carol"])')).toMatchObject({
    servers: [{ sessions: [{ sessionId: 'a-1' }, { sessionId: 'b-1' }] }],
    offline: ['carol'],
  });

  await client.evict({ userId: 'bob' });
  await until(() => python.printed.some((each) => each.ended === 'b-1'), 'it hears of the eviction');
  expect(python.printed).toContainEqual({ ended: 'b-1', reason: 'EVICTED' });

  const admin = new Redis(redis.url);
  disposables.push(() => admin.quit());
  await admin.flushall();
  expect(await isOnline('alice')).toBe(false);
  await until(() => isOnline('alice'), 'it has sent its session again');

  await python.evaluate('server.offline("a-1")');
  expect(await isOnline('alice')).toBe(false);
  await python.evaluate('server.online("alice", "phone", "a-2")');
  await client.drainServer({ serverAddr: SERVER, overMs: 1_000, graceMs: 1_000 });
  await until(() => python.printed.some((each) => each.drained === 'a-2'), 'it drains');
  await until(async () => !(await isOnline('alice')), 'the grace is over');
  await client.drainServer({ serverAddr: SERVER, cancel: true });
  await until(async () => (await python.evaluate('server.draining')) === null, 'the drain is cancelled');
  await python.evaluate('server.online("alice", "phone", "a-3")');
  python.kill();
  await until(async () => !(await isOnline('alice')), 'its lease has run out');
});

test('the chat server of docs/http.md stops if another process takes its address over', async () => {
  const daemon = await startDaemon({ http });
  const client = await clientOf(daemon.addr);
  const python = await startPython(String(daemon.http));
  const server = client.server({ addr: SERVER, incarnation: Date.now() });
  disposables.push(() => server.close());
  await server.ready;
  expect(await python.exitCode).toBe(1);
});
