// The staging directory of a build, and the replacement of the previous build.
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
/** The output directories of a build. */
const OUTPUTS = [join('packages', 'client', 'dist'), 'dist'];
/** Replaced last, after the files that they load. */
const ENTRY_POINTS = [
  join('dist', 'cli', 'main.cjs'),
  join('dist', 'cli', 'start.cjs'),
  'oclif.manifest.json',
];

/** Creates a directory that is removed when this process exits, and removes those of killed builds. */
export function makeStaging(root) {
  for (const name of readdirSync(root)) {
    if (name.startsWith(PREFIX) && !isRunning(Number(name.slice(PREFIX.length)))) remove(join(root, name));
  }
  const staging = `${root}${PREFIX}${process.pid}/`;
  remove(staging);
  mkdirSync(staging);
  process.once('exit', () => remove(staging));
  // oclif generates the manifest from the package.json in this directory.
  copyFileSync(`${root}package.json`, `${staging}package.json`);
  return staging;
}

/**
 * Replaces the outputs file by file, each atomically, so that no file is ever missing. Unchanged files stay.
 * Renaming a directory would leave a moment without it.
 */
export function swapIn(staging, root) {
  const files = OUTPUTS.flatMap((output) => filesOf(staging, output));
  const others = files.filter((file) => !ENTRY_POINTS.includes(file));
  for (const file of [...others, ...ENTRY_POINTS]) replace(join(staging, file), join(root, file));
  for (const output of OUTPUTS) {
    for (const file of filesOf(root, output)) if (!files.includes(file)) remove(join(root, file));
    removeEmptyDirectories(join(root, output));
  }
}

function replace(from, to) {
  if (isSame(from, to)) return;
  const parents = dirname(to).split(sep);
  // A file may have become a directory, and vice versa.
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

function removeEmptyDirectories(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (!entry.isDirectory()) continue;
    removeEmptyDirectories(path);
    if (readdirSync(path).length === 0) remove(path);
  }
}

/** The files below a directory, by their paths from the root. */
function filesOf(root, directory) {
  return readdirSync(join(root, directory), { recursive: true })
    .map((path) => join(directory, path))
    .filter((path) => !statSync(join(root, path)).isDirectory());
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
