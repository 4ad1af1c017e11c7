import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type InstalledPackage, installPackage, ROOT } from '../support/installedPackage.ts';

const MINUTES = 60_000;

/** The last TypeScript whose compiler is written in JavaScript. The clone has the newer one. */
const OLDER = '5.9.3';

/** Declarations that the examples omit. */
const READERS_OWN = `
declare const client: import('imstate').Client;
declare const server: import('imstate').ServerSessions;
declare const dir: string;
declare function disconnect(sessionId: string, reason?: import('imstate').EndReason, text?: string): void;
declare const members: string[];
declare const message: string;
declare function forward(serverAddr: string, to: import('imstate').RoutedSession[], text: string): Promise<void>;
declare function push(userIds: string[], text: string): Promise<void>;
declare function show(userId: string, isOnline: boolean): void;
declare function clear(): void;
declare function load(): Promise<string>;
declare function apply(event: import('imstate').WatchEvent): Promise<void>;
declare function save(revision: string): Promise<void>;
`;

/**
 * Accepts<X, AllUndefined<X>> is an error if an optional property of X may be left out but not be undefined.
 */
const OPTIONAL = `
type Properties<T> = T extends string ? never : T extends object ? T : never;
type Optional<T> = T extends Properties<T> ? { [K in keyof T as {} extends Pick<T, K> ? K : never]: T[K] } : never;
export type AllUndefined<T> = T extends Properties<T> ? { [K in keyof Optional<T>]: undefined } : never;
export type Accepts<T, U extends Optional<T>> = U;
`;

let project: InstalledPackage;

beforeAll(async () => {
  project = await installPackage(`typescript@${OLDER}`, 'ws@8', '@types/ws@8');
}, 10 * MINUTES);

afterAll(() => project.remove());

/** The TypeScript blocks of the pages, by file names that contain their position. */
async function examples(): Promise<Map<string, string>> {
  const docs = (await readdir(join(ROOT, 'docs'))).filter((name) => name.endsWith('.md'));
  const readmes = ['README.md', 'README.zh-CN.md', 'packages/client/README.md'];
  const pages = [...readmes, ...docs.map((name) => `docs/${name}`)];
  const found = new Map<string, string>();
  for (const page of pages) {
    const text = await readFile(join(ROOT, page), 'utf8');
    for (const block of text.matchAll(/^```(?:ts|typescript)\n(.*?)^```$/gms)) {
      const line = text.slice(0, block.index).split('\n').length;
      found.set(`${page.replaceAll(/\W/g, '-')}-line-${line}.ts`, block[1] as string);
    }
  }
  return found;
}

/** The types that the package exports, by name. */
async function exportedTypes(): Promise<string[]> {
  const index = await readFile(join(project.path, 'node_modules/imstate-client/dist/index.d.ts'), 'utf8');
  const names = [...index.matchAll(/^export (type )?\{(.*)\}/gm)].flatMap(([, isType, list = '']) =>
    list.split(',').map((name) => (isType ? `type ${name.trim()}` : name.trim())),
  );
  return names.flatMap((name) => /^type (\w+)$/.exec(name)?.[1] ?? []);
}

/** A folder of the project with the files, and the settings that `tsc --init` writes. */
async function folderOf(name: string, tsc: string[], files: Map<string, string>): Promise<string> {
  const folder = join(project.path, name);
  await mkdir(folder);
  for (const [file, text] of files) await writeFile(join(folder, file), text);
  await project.run('sh', '-c', `cd "$0" && exec "$@" --init`, folder, ...tsc);
  return folder;
}

/** The compiler errors of a directory; empty if there are none. */
async function errorsIn(folder: string, tsc: string[], ...flags: string[]): Promise<string> {
  const [program = '', ...args] = [...tsc, '--project', folder, '--noEmit', '--pretty', 'false', ...flags];
  return project.run(program, ...args).catch(({ stdout, stderr }) => `${stdout}${stderr}`);
}

describe.each([
  ['5.9', () => [process.execPath, join(project.path, 'node_modules/typescript/bin/tsc')]],
  ['7', () => [process.execPath, join(ROOT, 'node_modules/typescript/bin/tsc')]],
])('TypeScript %s with the settings of tsc --init', { timeout: 5 * MINUTES }, (version, tsc) => {
  test('is that version', async () => {
    const [program = '', ...args] = tsc();
    expect(await project.run(program, ...args, '--version')).toContain(`Version ${version}.`);
  });

  test('compiles every example of README and docs', async () => {
    const files = await examples();
    expect(files.size).toBeGreaterThan(8);
    const folder = await folderOf(`examples-${version}`, tsc(), files.set('context.d.ts', READERS_OWN));
    expect(await errorsIn(folder, tsc())).toBe('');
    const forNode = ['--types', 'node', '--lib', 'esnext', '--skipLibCheck', 'false'];
    expect(await errorsIn(folder, tsc(), ...forNode)).toBe('');
  });

  test('accepts undefined for every optional property of the exported types', async () => {
    const types = await exportedTypes();
    expect(types).toEqual(expect.arrayContaining(['CallOptions', 'ConnectOptions', 'WatchOptions']));
    const program = [
      `import type * as imstate from 'imstate';`,
      `import type { Accepts, AllUndefined } from './optional.js';`,
      ...types.map(
        (name) => `export type ${name} = Accepts<imstate.${name}, AllUndefined<imstate.${name}>>;`,
      ),
    ].join('\n');
    const files = new Map([
      ['optional.ts', OPTIONAL],
      ['program.ts', program],
    ]);
    expect(await errorsIn(await folderOf(`optional-${version}`, tsc(), files), tsc())).toBe('');
  });
});
