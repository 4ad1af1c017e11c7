// Makes a release: npm run release -- VERSION [--dry-run]. CONTRIBUTING.md, "Release", describes the steps.
//
// Everything is made in a temporary worktree of HEAD. The clone changes in the last step only, once the
// release is complete, so a release that fails or is interrupted leaves the clone as it was.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import semver from 'semver';
import { Clone } from './release/Clone.js';
import { releaseChangelog, unreleasedNotes } from './release/changelog.js';
import { packageFolders, setVersion } from './release/packages.js';
import { run } from './release/run.js';

const USAGE = 'usage: npm run release -- VERSION|major|minor|patch [--dry-run]';

const interruption = new AbortController();
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'])
  process.once(name, () => interruption.abort(new Error('interrupted: nothing was changed')));

try {
  await release(readArguments());
} catch (error) {
  process.stderr.write(`Error: ${error.message}\n`);
  process.exitCode = 1;
}

async function release({ wanted, isDryRun }) {
  const clone = new Clone(process.cwd());
  const { version: current } = JSON.parse(readFileSync('package.json', 'utf8'));
  const version = nextVersion(current, wanted);
  await check(clone, version, isDryRun);
  const worktree = await clone.addWorktree();
  try {
    const date = new Date().toISOString().slice(0, 10);
    writeVersion(worktree.path, version, date);
    const tarballs = await buildAndPack(worktree);
    await describe({ worktree, tarballs, current, version, date });
    if (isDryRun) console.log('\nDry run: nothing was changed.');
    else await publish({ clone, worktree, tarballs, version });
  } finally {
    await worktree.remove();
  }
}

/** A dry run reports problems and continues, because CI runs one on any commit, on a detached HEAD. */
async function check(clone, version, isDryRun) {
  const problems = await clone.problems(version);
  if (unreleasedNotes(readFileSync('CHANGELOG.md', 'utf8')) === '')
    problems.push('CHANGELOG.md has nothing under [Unreleased]: describe the changes there');
  if (problems.length === 0) return;
  if (!isDryRun) throw new Error(`cannot release ${version}:\n${problems.join('\n')}`);
  for (const problem of problems) console.log(`A release would stop here: ${problem}`);
}

function writeVersion(folder, version, date) {
  setVersion(folder, version);
  const changelog = join(folder, 'CHANGELOG.md');
  writeFileSync(changelog, releaseChangelog(readFileSync(changelog, 'utf8'), version, date));
}

/**
 * Installs the packages of the lock file, so that the tarballs do not depend on the packages and files of
 * this clone.
 */
async function buildAndPack({ path, tarballs }) {
  console.log('installing packages');
  await npm(path, 'ci', '--include=dev', '--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund');
  console.log('building');
  await npm(path, 'run', 'build');
  const packed = [];
  for (const folder of packageFolders(path)) {
    const args = ['pack', '--json', '--ignore-scripts', '--pack-destination', tarballs];
    packed.push(...JSON.parse(await npm(join(path, folder), ...args)));
  }
  return packed;
}

function npm(cwd, ...args) {
  return run('npm', args, { cwd, signal: interruption.signal });
}

async function describe({ worktree, tarballs, current, version, date }) {
  console.log(`${current} -> ${version}, ${date}\n`);
  console.log(await worktree.diffStat());
  for (const { filename, size, files } of tarballs)
    console.log(`${filename}: ${files.length} files, ${(size / 1e6).toFixed(1)} MB`);
  console.log(`commit "release: ${version}", tag v${version}`);
}

async function publish({ clone, worktree, tarballs, version }) {
  const commit = await worktree.commit(`release: ${version}`);
  const names = tarballs.map(({ filename }) => filename);
  await clone.adopt({ commit, tag: `v${version}`, from: worktree.tarballs, names });
  console.log('\nDone. To publish it:\n  git push --follow-tags');
  for (const name of names) console.log(`  npm publish ./${name}`);
}

function readArguments() {
  try {
    const { values, positionals } = parseArgs({
      options: { 'dry-run': { type: 'boolean', default: false } },
      allowPositionals: true,
    });
    if (positionals.length === 1) return { wanted: positionals[0], isDryRun: values['dry-run'] };
  } catch (error) {
    throw new Error(`${error.message}\n${USAGE}`);
  }
  throw new Error(USAGE);
}

function nextVersion(current, wanted) {
  if (['major', 'minor', 'patch'].includes(wanted)) return semver.inc(current, wanted);
  // npm does not accept versions that semver.valid() corrects, such as v1.0.0.
  if (semver.valid(wanted) !== wanted) throw new Error(`${wanted} is not a version such as 1.2.3\n${USAGE}`);
  if (!semver.gt(wanted, current))
    throw new Error(`${wanted} is not greater than the current version, ${current}`);
  return wanted;
}
