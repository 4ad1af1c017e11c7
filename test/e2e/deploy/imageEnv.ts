import { readFile } from 'node:fs/promises';

/** The environment that the image sets. */
export async function imageEnv(): Promise<Record<string, string>> {
  const dockerfile = await readFile('deploy/Dockerfile', 'utf8');
  const [, lines] = /^ENV ((?:.*\\\n)*.*)$/m.exec(dockerfile) ?? [];
  const pairs = [...(lines as string).matchAll(/(\w+)=(\S+)/g)];
  return Object.fromEntries(pairs.map(([, name, value]) => [name, value]));
}
