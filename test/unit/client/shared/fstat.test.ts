import { execFileSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { transformSync } from 'esbuild';
import { afterAll, expect, test } from 'vitest';

const folder = realpathSync(mkdtempSync(join(tmpdir(), 'imstate-fstat-')));
afterAll(() => rmSync(folder, { recursive: true }));

test('resolves a linked package to its real path after the status of a pipe', () => {
  mkdirSync(join(folder, 'node_modules'));
  mkdirSync(join(folder, 'real'));
  writeFileSync(join(folder, 'real/package.json'), JSON.stringify({ name: 'linked', exports: './index.js' }));
  writeFileSync(join(folder, 'real/index.js'), '');
  symlinkSync('../real', join(folder, 'node_modules/linked'));
  const source = readFileSync(
    new URL('../../../../packages/client/src/shared/fstat.ts', import.meta.url),
    'utf8',
  );
  writeFileSync(join(folder, 'fstat.mjs'), transformSync(source, { loader: 'ts' }).code);
  writeFileSync(
    join(folder, 'main.mjs'),
    `import { fstat } from './fstat.mjs';
     fstat(1);
     process.stdout.write(import.meta.resolve('linked'));`,
  );
  const resolved = execFileSync(process.execPath, [join(folder, 'main.mjs')]).toString();
  expect(resolved).toBe(pathToFileURL(join(folder, 'real/index.js')).href);
});
