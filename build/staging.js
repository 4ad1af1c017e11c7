// Where a build is made, and how it replaces the previous one.
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { dirname, join, sep } from 'node:path';

const PREFIX = '.build-';
/** They come last: what they load is there before them. */
const ENTRY_POINTS = ['dist/cli/main.cjs', 'dist/cli/start.cjs', 'oclif.manifest.json'];

/** Makes a folder that is removed when this process ends; and removes those of builds that were killed. */
export function makeStaging(root) {
  for (const name of readdirSync(root)) {
    if (name.startsWith(PREFIX) && !isRunning(Number(name.slice(PREFIX.length)))) remove(join(root, name));
  }
  const staging = `${root}${PREFIX}${process.pid}/`;
  remove(staging);
  mkdirSync(staging);
  process.once('exit', () => remove(staging));
  // For oclif, which describes the package in this folder.
  copyFileSync(`${root}package.json`, `${staging}package.json`);
  return staging;
}

/**
 * Replaces dist/ and oclif.manifest.json file by file, each at once, so that at no time one is missing; files that are the same stay. To
 * rename the folder would leave a moment without it.
 */
export function swapIn(staging, root) {
  const files = filesOf(join(staging, 'dist')).map((file) => join('dist', file));
  const entries = ENTRY_POINTS.map((file) => join(file));
  const others = files.filter((file) => !entries.includes(file));
  for (const file of [...others, ...entries]) replace(join(staging, file), join(root, file));
  for (const file of filesOf(join(root, 'dist'))) {
    if (!files.includes(join('dist', file))) remove(join(root, 'dist', file));
  }
  removeEmptyFolders(join(root, 'dist'));
}

function replace(from, to) {
  if (isSame(from, to)) return;
  const parents = dirname(to).split(sep);
  // What was a file may have become a folder, and the other way round.
  for (let i = 1; i < parents.length; i++) {
    const path = parents.slice(0, i + 1).join(sep);
    if (existsSync(path) && !statSync(path).isDirectory()) remove(path);
  }
  if (existsSync(to) && statSync(to).isDirectory()) remove(to);
  mkdirSync(dirname(to), { recursive: true });
  renameSync(from, to);
}

function isSame(from, to) {
  if (!existsSync(to) || !statSync(to).isFile()) return false;
  return statSync(from).size === statSync(to).size && readFileSync(from).equals(readFileSync(to));
}

function removeEmptyFolders(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (!entry.isDirectory()) continue;
    removeEmptyFolders(path);
    if (readdirSync(path).length === 0) remove(path);
  }
}

/** The files below the folder, by their paths from there. */
function filesOf(folder) {
  return readdirSync(folder, { recursive: true }).filter(
    (path) => !statSync(join(folder, path)).isDirectory(),
  );
}

function isRunning(pid) {
  try {
    return pid > 0 && process.kill(pid, 0);
  } catch (error) {
    return error.code === 'EPERM';
  }
}

function remove(path) {
  rmSync(path, { recursive: true, force: true });
}
