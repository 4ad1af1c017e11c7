import { mkdir, readdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { ROOT } from './installedPackage.ts';

/** Links node_modules in a copy of the repository: the packages of this clone, and the client of the copy. */
export async function linkModules(folder: string): Promise<void> {
  const modules = join(folder, 'node_modules');
  await mkdir(modules);
  for (const name of await readdir(join(ROOT, 'node_modules'))) {
    const target = name === 'imstate-client' ? '../packages/client' : join(ROOT, 'node_modules', name);
    await symlink(target, join(modules, name));
  }
}
