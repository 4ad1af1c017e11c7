import { closeSync, openSync, readFileSync, type Stats } from 'node:fs';
import { fstat } from './fstat.js';

/** True if this user owns it. On Windows, which has no such owners, always true. */
export function isOwn({ uid }: Stats): boolean {
  return process.geteuid === undefined || uid === process.geteuid();
}

/** True if it belongs to a group of this process. */
export function isOfOwnGroup({ gid }: Stats): boolean {
  const groups = [process.getegid?.(), ...(process.getgroups?.() ?? [])];
  return groups.includes(gid);
}

/** The permissions in octal, as chmod takes them. */
export function describeMode({ mode }: Stats): string {
  return (mode & 0o7777).toString(8);
}

/**
 * Why a file must not control this process, and what to do about it; undefined if it may. Its group and
 * others must not be able to write it. A file that the user did not name must also belong to this user or to
 * root. A named device or pipe is accepted: it has no content to change.
 */
export function trustFault(path: string, found: Stats, isNamed: boolean): string | undefined {
  if (!found.isFile()) return isNamed ? undefined : 'it is not a regular file';
  if (process.platform === 'win32') return undefined;
  if ((found.mode & 0o022) !== 0) {
    return `other users can write it (mode ${describeMode(found)}): run chmod go-w ${path}`;
  }
  return isNamed ? undefined : ownerFault(found);
}

/** Why a file or directory that the user did not name is ignored; undefined if this user or root owns it. */
export function ownerFault(found: Stats): string | undefined {
  if (isOwn(found) || found.uid === 0) return undefined;
  return `it belongs to another user (uid ${found.uid})`;
}

/** Options for readRegularFile that reject a file with a {@link trustFault}. */
export function trusted(path: string, isNamed = true): { check(found: Stats): void } {
  return {
    check: (found) => {
      const fault = trustFault(path, found, isNamed);
      if (fault !== undefined) throw new Error(fault);
    },
  };
}

/** The text of a named file or pipe; throws if it cannot be read, or has a {@link trustFault}. */
export function readTrusted(path: string): string {
  const file = openSync(path, 'r');
  try {
    trusted(path).check(fstat(file));
    return readFileSync(file, 'utf8');
  } finally {
    closeSync(file);
  }
}
