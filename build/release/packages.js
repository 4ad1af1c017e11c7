// The packages of this repository: the root and its npm workspaces.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * The directories of the packages to publish, relative to the root: the workspaces, then the root, which
 * depends on them.
 */
export function packageFolders(root) {
  const isPublic = (folder) => readJson(join(root, folder, 'package.json')).private !== true;
  return folders(readJson(join(root, 'package-lock.json')))
    .filter(isPublic)
    .reverse();
}

/**
 * Sets the version of every package: in its package.json, in dependent packages, and in the lock file.
 */
export function setVersion(root, version) {
  const lockFile = join(root, 'package-lock.json');
  const lock = readJson(lockFile);
  const names = folders(lock).map((folder) => readJson(join(root, folder, 'package.json')).name);
  for (const folder of folders(lock)) {
    const file = join(root, folder, 'package.json');
    const manifest = readJson(file);
    update(manifest, names, version);
    update(lock.packages[folder], names, version);
    writeJson(file, manifest);
  }
  lock.version = version;
  writeJson(lockFile, lock);
}

/** The lock file lists the root as '' and the workspaces by their directories. */
function folders(lock) {
  return Object.keys(lock.packages).filter((path) => !path.split('/').includes('node_modules'));
}

function update(manifest, names, version) {
  manifest.version = version;
  for (const kind of ['dependencies', 'devDependencies', 'peerDependencies', 'optionalDependencies']) {
    const needed = manifest[kind] ?? {};
    for (const name of names) {
      if (needed[name] !== undefined) needed[name] = needed[name].replace(/\d.*/, version);
    }
  }
}

function readJson(file) {
  return JSON.parse(readFileSync(file, 'utf8'));
}

function writeJson(file, value) {
  writeFileSync(file, `${JSON.stringify(value, null, 2)}\n`);
}
