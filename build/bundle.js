// Bundles the command line into two files: main.cjs contains everything that client commands load, start.cjs
// runs it.
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { oneStringWidth, plainSort } from './patches.js';

/** Packages that commands load from node_modules on demand. */
const EXTERNAL = [
  '@nats-io/jetstream',
  '@nats-io/transport-node',
  'cloudevents',
  'cockatiel',
  'etcd3',
  'grpc-health-check',
  'pino',
  'pino-pretty',
  'standardwebhooks',
  'undici',
  'yaml',
];

/** Modules that commands load from dist/ on demand. */
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

/** Writes dist/cli/ of the staging directory, with the licenses of the bundled packages. */
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
    // oclif compares the version of Node.js with its own package.json, which is another one in the bundle.
    define: { 'process.env.OCLIF_DISABLE_ENGINE_WARNING': '"true"' },
    metafile: true,
  });
  const code = withImportModule(outputFiles[0].text);
  const hash = createHash('sha256').update(code).digest('hex').slice(0, 16);
  mkdirSync(folder, { recursive: true });
  // start.cjs recognizes its bundle by the last line.
  writeFileSync(join(folder, 'main.cjs'), `${code}\n// ${hash}\n`);
  await build({
    ...options,
    entryPoints: ['src/start.ts'],
    outfile: join(folder, 'start.cjs'),
    define: { BUNDLE_HASH: JSON.stringify(hash) },
  });
  writeFileSync(join(folder, 'LICENSES.txt'), licenses(root, Object.keys(metafile.inputs)));
}

/** Replaces import() by importModule(), which start.cjs provides; require() uses the fallback. */
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
