import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { scratchDirectory } from '../../support/credentials.ts';
import { look } from '../../support/doctor.ts';

describe('the data directory', () => {
  test('that other users can read warns; a stale lock file is ignored; a damaged file is reported', async () => {
    const dataDir = await scratchDirectory();
    await chmod(dataDir, 0o755);
    await writeFile(
      join(dataDir, 'daemon.lock'),
      JSON.stringify({ pid: 2 ** 22 + 1, startedAt: '1', addr: '127.0.0.1:8080' }),
    );
    await writeFile(join(dataDir, 'presence.lmdb'), 'no database');
    const reports = await look({ dataDir });
    expect(reports['folder-rights']).toMatchObject({
      status: 'warning',
      message: expect.stringMatching(/mode 755.*chmod 700/),
    });
    expect(reports['folder-lock']).toMatchObject({
      status: 'ok',
      message: 'no daemon uses the directory',
    });
    expect(reports['folder-data']).toMatchObject({ status: 'failed', code: 'DATA_FOLDER_UNUSABLE' });
  });

  test('that does not exist yet is fine, and is not created', async () => {
    const dataDir = join(await scratchDirectory(), 'a', 'b');
    const reports = await look({ dataDir });
    expect(reports['folder-rights']).toMatchObject({
      status: 'ok',
      message: expect.stringMatching(/does not exist yet/),
    });
    expect(reports['folder-data']).toMatchObject({ status: 'skipped' });
    const file = join(await scratchDirectory(), 'file');
    await writeFile(file, '');
    expect((await look({ dataDir: file }))['folder-rights']).toMatchObject({ status: 'failed' });
  });
});
