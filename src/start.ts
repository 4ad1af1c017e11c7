import { readFileSync } from 'node:fs';
import { createRequire, Module } from 'node:module';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Script } from 'node:vm';
import { keepCode, readCode } from './cli/base/codeCache.js';
import { completeHomeAndShell } from './cli/base/homeAndShell.js';
import { loadFault } from './cli/base/loadFault.js';
import { exitWithin } from './cli/base/processEnd.js';
import { keepIgnoringSignals } from './cli/base/signals.js';
import { systemFault } from './cli/base/systemFault.js';

/** main.ts as the build bundles it, with all that the commands of a client need. */
type Main = typeof import('./main.js');

/** How long a command that is over may take to end by itself. */
const EXIT_GRACE_MS = 500;

/** How long to wait for a build that is being replaced, in steps. */
const BUILD_WAIT_MS = 10_000;
const BUILD_POLL_MS = 20;

/** The hash of that bundle; the build puts it here, and into the last line of the bundle. */
declare const BUNDLE_HASH: string;

/** As for all that is not there to be used, see errors.ts: loading that takes longer than a command may. */
const EXIT_UNAVAILABLE = 3;

/**
 * Runs the command line. The bundle is compiled here rather than by require(), so that the code which an
 * earlier process compiled can be used: without, compiling takes longer than everything else.
 */
export async function start(giveUpAt = Date.now() + BUILD_WAIT_MS): Promise<void> {
  // Deprecations are for who develops: the etcd client gives Node.js an IP address as the server name of an
  // https:// node.
  process.noDeprecation = true;
  completeHomeAndShell(process.env);
  keepIgnoringSignals();
  const file = join(__dirname, 'main.cjs');
  // The bundle is plain ASCII, which is read fastest as latin1.
  const source = loaded(() => readFileSync(file, 'latin1'));
  if (!source.endsWith(`\n// ${BUNDLE_HASH}\n`)) return startNewBuild(giveUpAt);
  const bundle = { hash: BUNDLE_HASH, file };
  const code = readCode(bundle);
  const script = loaded(() => compile(source, file, code));
  const main = loaded(() => run(script, file));
  // Before the listener of oclif, which throws: nobody could catch that.
  process.stdout.prependListener('error', endUnlessGone);
  // Without users' plugins: oclif would look for them in --data-dir, and run what it finds there.
  await main.execute({ loadOptions: { root: file, userPlugins: false } });
  if ((code === undefined || script.cachedDataRejected) && main.hasAnswer()) {
    keepCode(bundle, script.createCachedData());
  }
  // What a command leaves open, such as the look-up of a name that nobody answers, must not keep the process
  // alive.
  exitWithin(EXIT_GRACE_MS);
}

/**
 * Starts the build that is replacing this one: one of the two files is of it already, and the other will be
 * in a moment.
 */
async function startNewBuild(giveUpAt: number): Promise<void> {
  if (Date.now() > giveUpAt) {
    process.stderr.write('Error: imstate is only built in part: run npm run build\n');
    process.exit(EXIT_UNAVAILABLE);
  }
  await delay(BUILD_POLL_MS);
  const require = createRequire(__filename);
  delete require.cache[__filename];
  const { start: startAgain } = loaded(() => require(__filename) as { start: typeof start });
  await startAgain(giveUpAt);
}

/** What `load` returns; where a part of imstate cannot be loaded, one sentence ends the process. */
function loaded<T>(load: () => T): T {
  try {
    return load();
  } catch (error) {
    const fault = systemFault(error) ?? loadFault(error);
    if (fault === undefined) throw error;
    process.stderr.write(`Error: ${fault}\n`);
    process.exit(EXIT_UNAVAILABLE);
  }
}

/**
 * Ends the process when its output cannot be written (a full disk); a reader that has gone ends commands in
 * their own way.
 */
function endUnlessGone(error: NodeJS.ErrnoException): void {
  if (error.code === 'EPIPE') return;
  process.stderr.write(`Error: the output cannot be written: ${systemFault(error) ?? error.message}\n`);
  process.exit(EXIT_UNAVAILABLE);
}

function compile(source: string, file: string, code: Buffer | undefined): Script {
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
