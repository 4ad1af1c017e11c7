import { readFileSync } from 'node:fs';
import { join, sep } from 'node:path';
import { REMEDIES } from './systemFault.js';

/** A process with a lower limit of open files cannot load a daemon: Node.js opens many modules at once. */
const MIN_OPEN_FILES = 128;
/** Codes of Node.js for a missing module, or for too few open files to look for it. */
const NOT_FOUND = new Set(['MODULE_NOT_FOUND', 'ERR_MODULE_NOT_FOUND', 'ERR_PACKAGE_PATH_NOT_EXPORTED']);
/** Directories of the package that commands read; none when run from the sources. */
const DIRECTORIES =
  typeof __dirname === 'undefined'
    ? []
    : ['dist', 'proto', 'console', 'node_modules'].map((name) => join(__dirname, '..', '..', name) + sep);

/**
 * The message for a part of imstate that cannot be loaded, because the package is being built or installed,
 * or for lack of open files; undefined for any other error.
 */
export function loadFault(error: unknown): string | undefined {
  if (!(error instanceof Error) || !isOfLoading(error)) return undefined;
  if (isShortOfFiles()) return `EMFILE (load imstate): ${REMEDIES.EMFILE}`;
  const [what] = error.message.split('\n');
  return `a part of imstate cannot be loaded (${what}): if it is being built or installed, try again; otherwise reinstall it`;
}

function isOfLoading(error: Error): boolean {
  const { code = '', path = '' } = error as NodeJS.ErrnoException;
  if (NOT_FOUND.has(code)) return true;
  if (code === 'ENOENT') return DIRECTORIES.some((directory) => path.startsWith(directory));
  if (error.name !== 'SyntaxError') return false;
  // The source is damaged: Node.js reports the syntax error itself, often with the location before the stack.
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
