// Builds packages/client/dist and dist: types and JSON of the protos, JavaScript, the Lua scripts, the
// bundled command line, oclif's manifest and the manual page; and the schema of config files in docs/.
// Commands may run meanwhile: the new build is created in a staging directory, and replaces the previous one
// when it is complete. A failed build changes nothing.
import { spawnSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { makeStaging, swapIn } from './staging.js';

const root = fileURLToPath(new URL('..', import.meta.url));

// A package installed from its tarball contains dist/ and no sources.
if (!existsSync(`${root}src`)) process.exit(0);

// Without the development dependencies, nothing can be built.
if (!existsSync(`${root}node_modules/.bin/tsc`)) {
  process.stderr.write(
    'not built: the development dependencies are missing; run npm install without --omit=dev\n',
  );
  process.exit(0);
}

const protos = ['pb/user_status.proto', 'imstate/v1/presence.proto'];

const staging = makeStaging(root);
run('proto-loader-gen-types', [
  '--longs=Number',
  '--defaults',
  '--oneofs',
  '--includeComments',
  '--grpcLib=@grpc/grpc-js',
  '--importFileExtension=.js',
  '--includeDirs=proto',
  '--outDir=packages/client/src/generated',
  ...protos,
]);
// These modules import development dependencies.
const { writeProtos } = await import('./protos.js');
writeProtos(root, protos);
run('tsc', ['-p', 'packages/client', '--outDir', `${staging}packages/client/dist`]);
writeFileSync(`${staging}tsconfig.json`, JSON.stringify(againstStagedClient()));
run('tsc', ['-p', `${staging}tsconfig.json`, '--outDir', `${staging}dist`]);
const { removeUnused } = await import('./unused.js');
removeUnused(`${staging}packages/client/dist`);
removeUnused(`${staging}dist`);
const { writeScripts } = await import('./scripts.js');
await writeScripts(root, staging);
const { bundle } = await import('./bundle.js');
await bundle(root, staging);
run('oclif', ['manifest', staging]);
run('tsx', ['build/schema.ts']);
const { writeManual } = await import('./man.js');
writeManual(root, staging);
swapIn(staging, root);

/** Compiles src/ against the types of the client in the staging directory, not its sources. */
function againstStagedClient() {
  const client = './packages/client/dist';
  const paths = {
    'imstate-client': [`${client}/index.d.ts`],
    'imstate-client/internal/*': [`${client}/*.d.ts`],
  };
  return { extends: '../tsconfig.build.json', compilerOptions: { paths } };
}

function run(command, args) {
  const { status, stdout, stderr, error } = spawnSync(`${root}node_modules/.bin/${command}`, args, {
    cwd: root,
    encoding: 'utf8',
    shell: process.platform === 'win32',
  });
  if (status === 0) return;
  process.stderr.write(`${command} failed:\n${stdout ?? ''}${stderr ?? ''}${error?.message ?? ''}\n`);
  process.exit(1);
}
