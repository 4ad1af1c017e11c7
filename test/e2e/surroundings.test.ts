import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { scratchDirectory } from '../support/credentials.ts';
import {
  canChangeUser,
  folderOfUnknownUser,
  type Started,
  startAsUnknownUser,
} from '../support/unknownUser.ts';
import { until } from '../support/until.ts';

/** The environment in which commands are started. */
interface Surroundings {
  name: string;
  env?: Record<string, string>;
  script?: string;
  /** Working directory. */
  cwd?: () => Promise<string>;
  /** Whether only the data directory is writable. */
  isReadOnly?: boolean;
}

const SURROUNDINGS: Surroundings[] = [
  {
    name: 'in a deleted directory',
    script: 'folder=$(mktemp -d) && cd "$folder" && rmdir "$folder" && exec "$@"',
  },
  { name: 'in a folder that is closed to the user', cwd: closedFolder },
  { name: 'with a TMPDIR that is missing', env: { TMPDIR: '/nonexistent' } },
  {
    name: 'on a file system that is read-only except for the data directory',
    env: { TMPDIR: '/' },
    script:
      'mount --bind "$DATA" "$DATA" && mount -o remount,ro,bind / && ' +
      'if mountpoint -q /tmp; then mount -o remount,ro,bind /tmp; fi && exec "$@"',
    isReadOnly: true,
  },
];

describe.runIf(canChangeUser).each(SURROUNDINGS)('a command $name', (surroundings) => {
  const hasTemporary = surroundings.env?.TMPDIR === undefined;

  test.each([
    { args: ['--version'], code: 0, shows: /imstate\// },
    { args: ['query', '--help'], code: 0, shows: /USAGE/ },
    { args: ['context', 'list'], code: 0, shows: /no contexts/ },
    { args: ['query', 'alice', '--endpoint', '127.0.0.1:1'], code: 3, shows: /no daemon answers/ },
    { args: ['query', 'alice'], code: 3, shows: /no daemon is registered/ },
    { args: ['serve', '--port', '0'], code: 3, shows: /choose another with\s+--data-dir/ },
    {
      args: ['serve', '--port', '0', '--data-dir', 'data'],
      code: 3,
      shows: /choose another with\s+--data-dir/,
    },
    { args: ['serve', '--config', 'imstate.yaml'], code: 2, shows: /name another with\s+--config/ },
    {
      args: ['token', 'create', '--file', 'tokens', '--role', 'reader'],
      code: 2,
      shows: /another with\s+--file/,
    },
    { args: ['context', 'set', 'here', '--endpoint', '127.0.0.1:1'], code: 2, shows: /XDG_CONFIG_HOME/ },
    hasTemporary
      ? { args: ['demo', '--duration', '1s'], code: 0, shows: /sessions/ }
      : { args: ['demo', '--duration', '1s'], code: 3, shows: /set TMPDIR/ },
  ])('runs $args, or fails in one sentence', async ({ args, code, shows }) => {
    const child = await start(surroundings, args);
    await until(() => child.exitCode() !== null, 'the command ends');
    expect({ code: child.exitCode(), output: child.output() }).toEqual({
      code,
      output: expect.stringMatching(shows),
    });
    expect(child.output()).not.toMatch(/SystemError|uv_|\n\s+at /);
    expect(child.output().match(/Error:/g)?.length ?? 0).toBe(code === 0 ? 0 : 1);
  });

  test('serves from a given data directory, where clients find it', async () => {
    const data = await folderOfUnknownUser();
    const folder = ['--data-dir', join(data, 'data')];
    const daemon = await start(surroundings, ['serve', '--port', '0', '--http-port', '0', ...folder], data);
    await until(
      () => daemon.output().includes('service') || daemon.exitCode() !== null,
      'the daemon is ready',
    );
    expect(daemon.output()).not.toContain('Error');
    const query = await start(surroundings, ['query', 'alice', ...folder]);
    await until(() => query.exitCode() !== null, 'the command ends');
    expect([query.exitCode(), query.output()]).toEqual([0, expect.stringContaining('alice is offline')]);
  });
});

/** Starts a command as a user who may write only to the data directory. */
async function start(surroundings: Surroundings, args: string[], data?: string): Promise<Started> {
  const { env, script, cwd } = surroundings;
  const dataDir = data ?? (await folderOfUnknownUser());
  return startAsUnknownUser(
    args,
    { HOME: '/nonexistent', DATA: dataDir, ...env },
    {
      ...(script !== undefined && { script: surroundings.isReadOnly ? inMountNamespace(script) : script }),
      ...(cwd && { cwd: await cwd() }),
    },
  );
}

/** A private mount namespace, so that only the command sees the mounts of the script. */
function inMountNamespace(script: string): string {
  return `exec unshare --mount bash -c '${script}' bash "$@"`;
}

async function closedFolder(): Promise<string> {
  const folder = await scratchDirectory();
  await chmod(folder, 0o700);
  return folder;
}
