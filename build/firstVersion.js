// Builds the first version of imstate and packs what its daemon and its commands need into the fixture of the
// upgrade tests: npm run fixture:first-version. This needs the history of the repository; the tests do not.
// Packages are not in the fixture: the first version runs with those of this clone.
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync } from 'node:zlib';
import { transformSync } from 'esbuild';
import { run } from './release/run.js';

/** The last commit of version 0.1.0. */
const COMMIT = 'c601919bbc5aea33f41b756da4c4aed53a59a143';
const FIXTURE = 'test/fixtures/imstate-0.1.0.tar.br';

/** What a process loads, and the licenses of the packages in its bundle. */
const PACKED = /^(package\.json|oclif\.manifest\.json|bin\/(run\.js|package\.json)|(proto|dist)\/.*)$/;
const OMITTED = /\.d\.ts$|\.map$|^dist\/man\/|node_modules/;
/** The same files make the same archive. */
const REPRODUCIBLE = ['--mtime=@0', '--owner=0', '--group=0', '--numeric-owner', '--mode=a+rX,u+w,go-w'];

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'imstate-first-version-'));
try {
  const source = join(folder, 'source');
  await run('git', ['archive', '--prefix=source/', '--output', join(folder, 'source.tar'), COMMIT], {
    cwd: root,
  });
  await run('tar', ['-xf', 'source.tar'], { cwd: folder });
  // Not `npm ci`: its lock file is incomplete.
  await run('npm', ['install', '--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund'], {
    cwd: source,
  });
  await run('npm', ['run', 'build'], { cwd: source });
  for (const path of filesToPack(source).filter((each) => /\.c?js$/.test(each)))
    removeComments(join(source, path));
  const packed = join(folder, 'packed.tar');
  await run('tar', ['-cf', packed, ...REPRODUCIBLE, ...filesToPack(source)], { cwd: source });
  writeFileSync(join(root, FIXTURE), brotliCompressSync(readFileSync(packed)));
  console.log(`${FIXTURE}: ${Math.round(statSync(join(root, FIXTURE)).size / 1_000)} kB`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** The licenses are in a file of their own. */
function removeComments(path) {
  const { code } = transformSync(readFileSync(path, 'utf8'), {
    minifyWhitespace: true,
    legalComments: 'none',
  });
  writeFileSync(path, code);
}

/** Relative to the folder, in a fixed order. */
function filesToPack(folder) {
  return readdirSync(folder, { recursive: true })
    .filter((path) => PACKED.test(path) && !OMITTED.test(path) && statSync(join(folder, path)).isFile())
    .sort();
}
