import { readFileSync } from 'node:fs';
import { assembleScript } from './assembleScript.js';
import { inlineConstants, SCRIPT_CONSTANTS } from './scriptConstants.js';

/** The script that each command of a connection runs. Its head explains its arguments and its reply. */
export const SCRIPTS = {
  imLayout: 'layout',
  imStats: 'stats',
  imServers: 'servers',
  imNames: 'names',
  imHistory: 'readHistory',
  imChangeLog: 'changeLog',
  imSnapshot: 'snapshot',
  imList: 'list',
  imApply: 'apply',
  imKeepServerAlive: 'keepServerAlive',
  imEvictServer: 'evictServer',
  imDrainServer: 'drainServer',
  imSweep: 'sweep',
  imUserChanges: 'userChanges',
  imEraseRecords: 'eraseRecords',
  imEraseChanges: 'eraseChanges',
  imRecordAudit: 'recordAudit',
  imListAudit: 'listAudit',
  imEraseFromAudit: 'eraseFromAudit',
  imPseudonymKey: 'pseudonymKey',
  imReadPolicies: 'readPolicies',
  imWritePolicies: 'writePolicies',
  imReadRelays: 'readRelays',
  imWriteRelay: 'writeRelay',
} as const;

/**
 * Scripts that must run in a Redis that is full: the sweep and the erasures free memory, and the audit trail is
 * bounded, while what it records may be what frees memory. So are the session policies and the relays.
 */
const ALLOW_OOM = '#!lua flags=allow-oom\n';
const WITHOUT_ROOM: ReadonlySet<string> = new Set([
  'imSweep',
  'imEraseRecords',
  'imEraseChanges',
  'imRecordAudit',
  'imEraseFromAudit',
  'imPseudonymKey',
  'imWritePolicies',
  'imWriteRelay',
]);

/** The scripts of a connection to a database of Redis, by the name of the command that runs each. */
export function loadScripts(database: number): Record<keyof typeof SCRIPTS, { lua: string }> {
  const constants = { DATABASE: database, ...SCRIPT_CONSTANTS };
  const scripts = Object.entries(SCRIPTS).map(([command, name]) => {
    // The build has replaced the includes in dist/ already.
    const lua = inlineConstants(assembleScript(name, readScript), constants);
    return [command, { lua: WITHOUT_ROOM.has(command) ? ALLOW_OOM + lua : lua }];
  });
  return Object.fromEntries(scripts);
}

function readScript(name: string): string | undefined {
  try {
    return readFileSync(new URL(`./scripts/${name}.lua`, import.meta.url), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
