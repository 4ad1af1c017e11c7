import { readFileSync } from 'node:fs';
import { join, sep } from 'node:path';
import { REMEDIES } from './systemFault.js';

/** A process that may open fewer files than this cannot load a daemon: Node.js opens many modules at once. */
const MIN_OPEN_FILES = 128;
/** What Node.js says of a module that is not there. It says so too when it has no file left to look for it. */
const NOT_FOUND = new Set(['MODULE_NOT_FOUND', 'ERR_MODULE_NOT_FOUND', 'ERR_PACKAGE_PATH_NOT_EXPORTED']);
/** Folders of the package that a command reads; none where it runs from its sources. */
const FOLDERS =
  typeof __dirname === 'undefined'
    ? []
    : ['dist', 'proto', 'console', 'node_modules'].map((name) => join(__dirname, '..', '..', name) + sep);

/**
 * One sentence for a part of imstate that could not be loaded, which happens while the package is built or installed, or when there are too
 * few open files; undefined for any other error.
 */
export function loadFault(error: unknown): string | undefined {
  if (!(error instanceof Error) || !isOfLoading(error)) return undefined;
  if (isShortOfFiles()) return `EMFILE (load imstate): ${REMEDIES.EMFILE}`;
  const [what] = error.message.split('\n');
  return `a part of imstate cannot be loaded (${what}): while it is built or installed, try again; else install it again`;
}

function isOfLoading(error: Error): boolean {
  const { code = '', path = '' } = error as NodeJS.ErrnoException;
  if (NOT_FOUND.has(code)) return true;
  if (code === 'ENOENT') return FOLDERS.some((folder) => path.startsWith(folder));
  if (error.name !== 'SyntaxError') return false;
  // The text of a module is broken: Node.js itself noticed, and often puts the location in front of the stack.
  const { stack = '' } = error;
  return !stack.startsWith(error.name) || /^ +at .*\(node:(internal|vm)\b/.test(stack.split('\n')[1] ?? '');
}

function isShortOfFiles(): boolean {
  try {
    const limits = readFileSync('/proc/self/limits', 'latin1');
    return Number(/^Max open files +(\d+)/m.exec(limits)?.[1] ?? Infinity) < MIN_OPEN_FILES;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === 'EMFILE' || code === 'ENFILE';
  }
}
