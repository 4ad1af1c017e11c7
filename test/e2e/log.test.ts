import { execFileSync, spawn } from 'node:child_process';
import { constants } from 'node:fs';
import { type FileHandle, open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { scratchDirectory } from '../support/credentials.ts';
import { grpcClients } from '../support/daemon.ts';
import { disposables } from '../support/disposables.ts';
import { spawnImstate, startImstate } from '../support/imstate.ts';
import { scrape, sumOf } from '../support/metrics.ts';
import { TestTerminal } from '../support/terminal.ts';
import { until } from '../support/until.ts';

const BIN = fileURLToPath(new URL('../../bin/run.js', import.meta.url));
const SERVE = ['serve', '--port', '0', '--http-port', '0', '--log-level', 'debug'];
/** Each call writes a line of about 300 bytes to the log. */
const CALLS_A_ROUND = 500;
const MAX_ROUNDS = 40;

test('continues when its log pipe is not read, and logs later how many lines were dropped', async () => {
  const dataDir = await scratchDirectory();
  const pipe = await makePipe(dataDir);
  const daemon = startOn(pipe, dataDir);
  const { addr, http } = await until(() => addressesIn(daemon.stdout()), 'the daemon is ready');
  const lost = await callUntilLinesAreDropped(addr, http);
  await entryRenewed(dataDir);
  const lines = await readUntil(pipe, 'lines were dropped');
  const report = lines.find(({ msg }) => String(msg).includes('lines were dropped'));
  expect(report).toMatchObject({ level: 40, dropped: expect.any(Number) });
  expect(report?.dropped).toBeGreaterThanOrEqual(lost);
  expect(lines.filter(({ msg }) => msg === 'call').length).toBeGreaterThan(0);
});

test('stops on SIGTERM although its log is not read', async () => {
  const dataDir = await scratchDirectory();
  const daemon = startOn(await makePipe(dataDir), dataDir);
  const { addr, http } = await until(() => addressesIn(daemon.stdout()), 'the daemon is ready');
  await callUntilLinesAreDropped(addr, http);
  daemon.child.kill('SIGTERM');
  expect(await daemon.ended).toBe(0);
});

test('continues after Ctrl-S in its terminal, and logs after Ctrl-Q how many lines were dropped', async () => {
  const dataDir = await scratchDirectory();
  const terminal = await TestTerminal.start([...SERVE, '--data-dir', dataDir], { columns: 150, rows: 40 });
  const { addr, http } = await until(() => addressesIn(terminal.output), 'the daemon is ready');
  await terminal.shows('ready');
  terminal.press('\x13');
  await callUntilLinesAreDropped(addr, http);
  await entryRenewed(dataDir);
  terminal.press('\x11');
  await until(
    () => /lines were dropped.*dropped.*\d+/.test(terminal.output),
    'the terminal shows how many lines were dropped',
  );
  await terminal.signal('SIGTERM');
  expect(await terminal.ended).toBe(0);
  expect(terminal.output.trimEnd()).toMatch(/stopped\S*$/);
});

test('continues when its log socket is not read', async () => {
  const dataDir = await scratchDirectory();
  const child = spawn(process.execPath, [BIN, ...SERVE, '--data-dir', dataDir], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const daemon = followed(child);
  const { addr, http } = await until(() => addressesIn(daemon.stdout()), 'the daemon is ready');
  await callUntilLinesAreDropped(addr, http);
  let log = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    log += text;
  });
  await until(() => log.includes('lines were dropped'), 'the log reports dropped lines');
});

test('loses only log lines when the reader is gone or the disk is full', async () => {
  const dataDir = await scratchDirectory();
  const full = await open('/dev/full', 'w');
  disposables.push(() => full.close());
  const daemon = startOn(full, dataDir);
  const { addr, http } = await until(() => addressesIn(daemon.stdout()), 'the daemon is ready');
  await callUntilLinesAreDropped(addr, http);
});

test('logs the output of Node.js and libraries, and crashes', async () => {
  const script = `
    process.once('SIGWINCH', () => { console.error('odd', 1); process.emitWarning('strange'); });
    process.once('SIGURG', () => setTimeout(() => { throw new Error('on purpose'); }));
  `;
  const NODE_OPTIONS = `--import=data:text/javascript,${encodeURIComponent(script)}`;
  const daemon = spawnImstate(['serve', '--port', '0', '--data-dir', await scratchDirectory()], {
    NODE_OPTIONS,
  });
  disposables.push(() => daemon.signal('SIGKILL'));
  await until(() => daemon.stderr().includes('ready'), 'the daemon is ready');
  daemon.signal('SIGWINCH');
  await until(() => daemon.stderr().includes('strange'), 'the warning is logged');
  daemon.signal('SIGURG');
  expect(await daemon.ended).toBe(1);
  const lines = parse(daemon.stderr());
  expect(lines).toContainEqual(expect.objectContaining({ level: 40, text: 'odd 1' }));
  expect(lines).toContainEqual(
    expect.objectContaining({ level: 40, err: expect.objectContaining({ message: 'strange' }) }),
  );
  expect(lines.at(-1)).toMatchObject({
    level: 60,
    err: { message: 'on purpose', stack: expect.stringContaining('Error: on purpose') },
  });
});

test('flushes the last lines to a reader', async () => {
  const daemon = await startImstate('serve', '--port', '0', '--log-level', 'debug');
  disposables.push(() => daemon.kill());
  daemon.signal('SIGTERM');
  expect(await daemon.ended).toBe(0);
  expect(parse(daemon.stderr()).at(-1)).toMatchObject({ msg: 'stopped' });
});

/** A pipe that stays open at both ends until the end of the test, without a reader. */
async function makePipe(folder: string): Promise<FileHandle> {
  const path = join(folder, 'log');
  execFileSync('mkfifo', [path]);
  const pipe = await open(path, constants.O_RDWR | constants.O_NONBLOCK);
  disposables.push(() => pipe.close());
  return pipe;
}

/** A daemon that logs to this file. */
function startOn(stderr: FileHandle, dataDir: string) {
  const stdio = ['ignore' as const, 'pipe' as const, stderr.fd];
  return followed(spawn(process.execPath, [BIN, ...SERVE, '--data-dir', dataDir], { stdio }));
}

function followed(child: ReturnType<typeof spawn>) {
  let stdout = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  disposables.push(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  return { child, ended, stdout: () => stdout };
}

/** The addresses of a daemon, once it has printed them all. */
function addressesIn(stdout: string): { addr: string; http: string } | undefined {
  const addr = /^address\s+(\S+)/m.exec(stdout)?.[1];
  const http = /^http\s+(\S+)/m.exec(stdout)?.[1];
  return stdout.includes('service  ') && addr && http ? { addr, http } : undefined;
}

/** Makes successful calls until log lines are dropped; returns how many. */
async function callUntilLinesAreDropped(addr: string, http: string): Promise<number> {
  const { v1, close } = grpcClients(addr);
  disposables.push(close);
  for (let round = 0; round < MAX_ROUNDS; round++) {
    await Promise.all(Array.from({ length: CALLS_A_ROUND }, () => v1.getUser({ userId: 'alice' })));
    const dropped = sumOf(await scrape(http), 'imstate_log_lines_dropped_total');
    if (dropped > 0) return dropped;
  }
  throw new Error('no line was dropped');
}

/** Waits until the daemon renews its entry. */
async function entryRenewed(dataDir: string): Promise<void> {
  const now = Date.now();
  const folder = join(dataDir, 'registry', 'im%2Fstate-server');
  await until(async () => {
    const [name] = await readdir(folder);
    return name !== undefined && (await stat(join(folder, name))).mtimeMs > now;
  }, 'the entry is renewed');
}

/** Reads the pipe until it has contained this text. */
async function readUntil(pipe: FileHandle, text: string): Promise<Record<string, unknown>[]> {
  let log = '';
  await until(async () => {
    const chunk = Buffer.alloc(65_536);
    const { bytesRead } = await pipe.read(chunk).catch(() => ({ bytesRead: 0 }));
    log += chunk.toString('latin1', 0, bytesRead);
    return log.includes(text) && log.endsWith('\n');
  }, `the pipe contains ${text}`);
  return parse(log);
}

function parse(log: string): Record<string, unknown>[] {
  return log
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
}
