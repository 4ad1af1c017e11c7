import { readFileSync } from 'node:fs';

/** The scripts a connection to Redis carries, by the name of the command that runs each. */
export function loadScripts(): Record<'imChange' | 'imRead' | 'imSweep' | 'imLayout', { lua: string }> {
  const record = read('record');
  return {
    imChange: { lua: record + read('online') + read('offline') + read('change') },
    imRead: { lua: record + read('read') },
    imSweep: { lua: record + read('sweep') },
    imLayout: { lua: read('layout') },
  };
}

function read(name: string): string {
  return readFileSync(new URL(`./scripts/${name}.lua`, import.meta.url), 'utf8');
}
