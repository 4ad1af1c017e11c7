import { readFileSync } from 'node:fs';
import { MAX_PLATFORMS, OTHER_PLATFORM } from '../../presence/stats.js';
import { WORK } from '../work.js';

/** What each command of a connection is put together from; a file is explained at its head. */
const SCRIPTS = {
  imLayout: ['layout'],
  imStats: ['record', 'leases', 'stats'],
  imServers: ['record', 'leases', 'servers'],
  imNames: ['record', 'leases', 'names'],
  imHistory: ['record', 'leases', 'history'],
  imChangeLog: ['record', 'leases', 'changeLog'],
  imSnapshot: ['record', 'leases', 'shard', 'snapshot'],
  imList: ['record', 'leases', 'shard', 'list'],
  imApply: [
    'record',
    'leases',
    'shard',
    'devices',
    'online',
    'offline',
    'heartbeat',
    'evict',
    'read',
    'apply',
  ],
  imKeepAlive: ['record', 'leases', 'shard', 'keepAlive'],
  imEvictServer: ['record', 'leases', 'shard', 'endServer', 'evictServer'],
  imSweep: ['record', 'leases', 'shard', 'endServer', 'sweep'],
} as const;

/** See devices.lua. */
const LIMITS_OF_WORK = [
  `local MAX_WORK, OPERATION_WORK, CHECK_WORK, END_WORK = ${[WORK.max, WORK.operation, WORK.check, WORK.end]}`,
  `local MAX_ENDS, MAX_PART = ${[WORK.ends, WORK.part]}`,
].join('\n');

/** See shard.lua. */
const PLATFORMS = `local MAX_PLATFORMS, OTHER = ${MAX_PLATFORMS}, '${OTHER_PLATFORM}'`;

/** The sweep frees memory: it must run in a Redis that is full. */
const ALLOW_OOM = '#!lua flags=allow-oom\n';

/** The scripts a connection to a database of Redis carries, by the name of the command that runs each. */
export function loadScripts(database: number): Record<keyof typeof SCRIPTS, { lua: string }> {
  const scripts = Object.entries(SCRIPTS).map(([name, files]) => {
    // A script cannot ask in which database it runs.
    const lua = [`local DATABASE = ${database}`, LIMITS_OF_WORK, PLATFORMS, ...files.map(read)].join('\n');
    return [name, { lua: name === 'imSweep' ? ALLOW_OOM + lua : lua }];
  });
  return Object.fromEntries(scripts);
}

function read(name: string): string {
  return readFileSync(new URL(`./scripts/${name}.lua`, import.meta.url), 'utf8');
}
