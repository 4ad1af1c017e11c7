// The command line as two files: main.cjs has all that the commands of a client load, start.cjs runs it.
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { oneStringWidth, plainSort } from './patches.js';

/** What commands load from node_modules only where they need it. */
const EXTERNAL = ['etcd3', 'cockatiel', 'grpc-health-check', 'pino', 'pino-pretty', 'yaml'];

/** What commands load from dist/ only where they need it. */
const LOADED_FROM_DIST = /\/(daemon\/startDaemon|doctor\/doctor|migration\/legacyImport)\.js$/;

const loadFromDist = {
  name: 'load-from-dist',
  setup({ onResolve }) {
    onResolve({ filter: LOADED_FROM_DIST }, ({ path }) => ({
      path: `..${LOADED_FROM_DIST.exec(path)[0]}`,
      external: true,
    }));
  },
};

/** Writes dist/cli/ of the staging folder, with the licenses of the packages that are in it. */
export async function bundle(root, staging) {
  const folder = join(staging, 'dist/cli');
  const options = { absWorkingDir: root, bundle: true, platform: 'node', target: 'node20', format: 'cjs' };
  const { metafile, outputFiles } = await build({
    ...options,
    entryPoints: ['src/main.ts'],
    outfile: join(folder, 'main.cjs'),
    write: false,
    external: EXTERNAL,
    plugins: [loadFromDist, plainSort((text) => process.stderr.write(`${text}\n`)), oneStringWidth],
    // oclif compares the version of Node.js with the package.json above it, which is another one here.
    define: { 'process.env.OCLIF_DISABLE_ENGINE_WARNING': '"true"' },
    metafile: true,
  });
  const code = withImportModule(outputFiles[0].text);
  const hash = createHash('sha256').update(code).digest('hex').slice(0, 16);
  mkdirSync(folder, { recursive: true });
  // By its last line start.cjs knows the bundle that it was built with.
  writeFileSync(join(folder, 'main.cjs'), `${code}\n// ${hash}\n`);
  await build({
    ...options,
    entryPoints: ['src/start.ts'],
    outfile: join(folder, 'start.cjs'),
    define: { BUNDLE_HASH: JSON.stringify(hash) },
  });
  writeFileSync(join(folder, 'LICENSES.txt'), licenses(root, Object.keys(metafile.inputs)));
}

/** Calls importModule() instead of import(): start.cjs brings one, and require() does without. */
function withImportModule(code) {
  const fallback = 'var importModule = importModule ?? ((specifier) => import(specifier));';
  return code
    .replace(/\bimport\((?=[^)])/g, 'importModule(')
    .replace('"use strict";', (directive) => `${directive}\n${fallback}`);
}

function licenses(root, files) {
  const folders = files.flatMap((file) => /^.*node_modules\/(@[^/]+\/)?[^/]+/.exec(file)?.[0] ?? []);
  return [...new Set(folders)]
    .sort()
    .map((folder) => licenseOf(join(root, folder)))
    .join(`\n${'-'.repeat(80)}\n\n`);
}

function licenseOf(folder) {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
  const text = file === undefined ? '' : `\n${readFileSync(join(folder, file), 'utf8').trim()}\n`;
  return `${name} ${version}, ${license}\n${text}`;
}
