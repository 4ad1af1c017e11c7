import { execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { beforeEach, expect, test } from 'vitest';
import { linkModules } from '../support/clone.ts';
import { scratchDirectory } from '../support/credentials.ts';
import type { TestDaemon } from '../support/daemon.ts';
import { startDaemon } from '../support/disposables.ts';
import { until } from '../support/until.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const COPIED = ['bin', 'build', 'console', 'dist', 'docs', 'packages', 'proto', 'src', 'oclif.manifest.json'];
const SETTINGS = ['package.json', 'tsconfig.json', 'tsconfig.build.json'];
const BUILDS_MS = 600_000;

let cache: string;
let daemon: TestDaemon;

beforeEach(async () => {
  cache = await scratchDirectory();
  daemon = await startDaemon();
});

/** A clone with the current build, until the end of the test. */
async function clone(): Promise<string> {
  const folder = join(await scratchDirectory(), 'clone');
  await mkdir(folder);
  for (const name of [...COPIED, ...SETTINGS])
    await cp(join(ROOT, name), join(folder, name), { recursive: true });
  await linkModules(folder);
  return folder;
}

/** Runs a command of the clone to its end. */
async function run(folder: string, args: string[], env: Record<string, string> = {}) {
  const bin = join(folder, 'bin/run.js');
  const options = { env: { ...process.env, XDG_CACHE_HOME: cache, ...env } };
  return promisify(execFile)(process.execPath, [bin, ...args], options).then(
    ({ stdout, stderr }) => ({ code: 0, output: stdout + stderr }),
    ({ code, stdout, stderr }) => ({ code, output: `${stdout}${stderr}` }),
  );
}

/** Builds the clone as `npm link` does; resolves with the exit code. */
function build(folder: string) {
  const child = spawn(process.execPath, ['build/build.js'], { cwd: folder, stdio: 'ignore' });
  return { exitCode: () => child.exitCode, ended: once(child, 'exit') };
}

/** Commands and their output: one of the bundle only, one of a client, one that loads daemon modules. */
async function runEach(folder: string): Promise<void> {
  expect(await run(folder, ['query', 'alice', '--endpoint', daemon.addr])).toEqual({
    code: 0,
    output: 'alice is offline\n',
  });
  const help = await run(folder, ['query', '--help']);
  expect([help.code, help.output]).toEqual([0, expect.stringContaining('USAGE')]);
  const serve = await run(folder, ['serve', '--etcd', '127.0.0.1:1']);
  expect([serve.code, serve.output]).toEqual([2, expect.stringContaining('--etcd needs --redis')]);
}

test('runs commands while one build replaces another', { timeout: BUILDS_MS }, async () => {
  const folder = await clone();
  const source = join(folder, 'src/cli/base/ClientCommand.ts');
  const text = await readFile(source, 'utf8');
  for (const round of [1, 2]) {
    // Each build produces another bundle and other modules of the daemon.
    await writeFile(source, `${text}\nexport const round = ${'1'.repeat(round)};\n`);
    await writeFile(join(folder, `src/daemon/round${round}.ts`), 'export const round = 1;\n');
    await rm(join(folder, `src/daemon/round${round - 1}.ts`), { force: true });
    const { exitCode } = build(folder);
    do await runEach(folder);
    while (exitCode() === null);
    expect(exitCode()).toBe(0);
  }
  await runEach(folder);
  expect((await readdir(folder)).filter((name) => name.startsWith('.build-'))).toEqual([]);
});

test('keeps the previous build when a build fails or is killed', { timeout: BUILDS_MS }, async () => {
  const folder = await clone();
  const before = await readdir(join(folder, 'dist'), { recursive: true });
  const staging = async () => (await readdir(folder)).filter((name) => name.startsWith('.build-'));
  const killed = spawn(process.execPath, ['build/build.js'], {
    cwd: folder,
    stdio: 'ignore',
    detached: true,
  });
  const ended = once(killed, 'exit');
  await until(async () => (await staging()).length > 0, 'the build has begun');
  process.kill(-(killed.pid as number), 'SIGKILL');
  await ended;
  expect(await staging()).toHaveLength(1);
  await runEach(folder);
  await writeFile(join(folder, 'src/cli/base/ClientCommand.ts'), 'this is no TypeScript');
  expect((await build(folder).ended)[0]).toBe(1);
  await runEach(folder);
  expect((await readdir(join(folder, 'dist'), { recursive: true })).sort()).toEqual(before.sort());
  expect(await staging()).toEqual([]);
});

test('keeps every file present while builds replace it', async () => {
  const folder = await scratchDirectory();
  const outputs = ['dist', 'packages/client/dist'];
  const names = Array.from({ length: 100 }, (_, i) =>
    join(outputs[i % 2] as string, `folder-${i % 7}`, `${i}.js`),
  );
  const entries = ['dist/cli/main.cjs', 'dist/cli/start.cjs', 'oclif.manifest.json'];
  const script = `
    import { mkdirSync, writeFileSync } from 'node:fs';
    import { dirname } from 'node:path';
    import { swapIn } from ${JSON.stringify(join(ROOT, 'build/staging.js'))};
    const [files, root] = ${JSON.stringify([[...names, ...entries], folder])};
    for (let round = 0; round < 40; round++) {
      for (const file of files) {
        const path = root + '/staging/' + file;
        mkdirSync(dirname(path), { recursive: true });
        writeFileSync(path, String(round % 2).repeat(10_000 + round));
      }
      swapIn(root + '/staging/', root + '/');
      if (round === 0) console.log('ready');
    }`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script]);
  let isReady = false;
  child.stdout.on('data', () => {
    isReady = true;
  });
  await until(() => isReady, 'the first build is there');
  let reads = 0;
  do {
    for (const file of [...names, ...entries]) {
      expect(await readFile(join(folder, file), 'latin1')).toMatch(/^(0{10000,}|1{10000,})$/);
      reads += 1;
    }
  } while (child.exitCode === null);
  expect([child.exitCode, reads > 0]).toEqual([0, true]);
});

test('restarts a command with the new build if it finds the bundle of another build', async () => {
  const folder = await clone();
  const [main, kept] = [join(folder, 'dist/cli/main.cjs'), join(folder, 'kept')];
  await rename(main, kept);
  execFileSync('mkfifo', [main]);
  const running = run(folder, ['--version']);
  // The open completes when the command reads it.
  const pipe = await open(main, 'w');
  await rename(kept, main);
  await pipe.write('throw new Error("of another build");\n// 0123456789abcdef\n');
  await pipe.close();
  expect(await running).toEqual({ code: 0, output: expect.stringMatching(/^imstate\/.*\n$/) });
});

test('fails in one line if the bundle stays that of another build', async () => {
  const folder = await clone();
  await writeFile(join(folder, 'dist/cli/main.cjs'), '// 0123456789abcdef\n');
  expect(await run(folder, ['--version'])).toEqual({
    code: 3,
    output: 'Error: imstate is only built in part: run npm run build\n',
  });
});

test('shows the paths of each clone in its stack traces', async () => {
  const hook = join(await scratchDirectory(), 'hook.cjs');
  const script =
    'const write = process.stdout.write; process.stdout.write = function (...args) { ' +
    'process.stderr.write(new Error("where").stack); return write.apply(this, args); };';
  await writeFile(hook, script);
  const clones = [await clone(), await clone()];
  for (const folder of [...clones, ...clones]) {
    const args = ['query', 'alice', '--endpoint', daemon.addr];
    const { output } = await run(folder, args, { NODE_OPTIONS: `--require ${hook}` });
    const paths = [...output.matchAll(/\(?(\/\S*main\.cjs)/g)].map(([, path]) => path);
    expect([...new Set(paths)]).toEqual([join(folder, 'dist/cli/main.cjs')]);
  }
});
