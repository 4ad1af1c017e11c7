import { readFileSync } from 'node:fs';
import { createRequire, Module } from 'node:module';
import { join } from 'node:path';
import { Script } from 'node:vm';
import { completeAccount } from './account.js';
import { keepCode, readCode } from './codeCache.js';
import { exitWithin } from './processEnd.js';
import { systemFault } from './systemFault.js';

/** main.ts as the build bundles it, with all that the commands of a client need. */
type Main = typeof import('./main.js');

/** How long a command that is over may take to end by itself. */
const EXIT_GRACE_MS = 500;

/** The hash of that bundle; the build puts it here. */
declare const BUNDLE_HASH: string;

/** As for all that is not there to be used, see errors.ts: loading that takes longer than a command may. */
const EXIT_UNAVAILABLE = 3;

/**
 * Runs the command line. The bundle is compiled here rather than by require(), so that the code which an earlier
 * process compiled can be used: without, compiling takes longer than everything else.
 */
export async function start(): Promise<void> {
  // Deprecations are for who develops: the etcd client gives Node.js an IP address as the server name of an https:// node.
  process.noDeprecation = true;
  completeAccount(process.env);
  const file = join(__dirname, 'main.cjs');
  const code = readCode(BUNDLE_HASH);
  const script = compile(file, code);
  const main = run(script, file);
  // Before the listener of oclif, which throws: nobody could catch that.
  process.stdout.prependListener('error', endUnlessGone);
  // Without users' plugins: oclif would look for them in --data-dir, and run what it finds there.
  await main.execute({ loadOptions: { root: file, userPlugins: false } });
  if ((code === undefined || script.cachedDataRejected) && main.hasAnswer()) {
    keepCode(BUNDLE_HASH, script.createCachedData());
  }
  // What a command leaves open, such as the look-up of a name that nobody answers, must not keep the process alive.
  exitWithin(EXIT_GRACE_MS);
}

/** Ends the process when its output cannot be written (a full disk); a reader that has gone ends commands in their own way. */
function endUnlessGone(error: NodeJS.ErrnoException): void {
  if (error.code === 'EPIPE') return;
  process.stderr.write(`Error: the output cannot be written: ${systemFault(error) ?? error.message}\n`);
  process.exit(EXIT_UNAVAILABLE);
}

function compile(file: string, code: Buffer | undefined): Script {
  // The bundle is plain ASCII, which is read fastest as latin1.
  const source = readFileSync(file, 'latin1');
  const wrapped = `(function (exports, require, module, __filename, __dirname, importModule) {${source}\n})`;
  return new Script(wrapped, { filename: file, ...(code && { cachedData: code }) });
}

/** Does what require() would do, so that require() finds the module from then on. */
function run(script: Script, file: string): Main {
  const require = createRequire(file);
  const module = new Module(file);
  module.filename = file;
  require.cache[file] = module;
  // In a script with code of an earlier process import() does not work before Node.js 22.
  const importModule = (specifier: string) => import(specifier);
  script.runInThisContext()(module.exports, require, module, file, __dirname, importModule);
  module.loaded = true;
  return module.exports;
}
