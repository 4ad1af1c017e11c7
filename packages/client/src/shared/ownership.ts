import { closeSync, fstatSync, openSync, readFileSync, type Stats } from 'node:fs';

/** True if this user owns it. On Windows, which has no such owners, everything counts as one's own. */
export function isOwn({ uid }: Stats): boolean {
  return process.geteuid === undefined || uid === process.geteuid();
}

/** True if a group of this process owns it. */
export function isOfOwnGroup({ gid }: Stats): boolean {
  const groups = [process.getegid?.(), ...(process.getgroups?.() ?? [])];
  return groups.includes(gid);
}

/** The permissions, in octal digits as chmod takes them. */
export function describeMode({ mode }: Stats): string {
  return (mode & 0o7777).toString(8);
}

/**
 * Why a file must not decide what this process does, and what to do about it; undefined if it may. Its group and everybody must not be able
 * to write it. One that nobody named, but that was found, must belong to this user or to root as well. A device or a pipe that was
 * named is accepted: there is nothing in it to change.
 */
export function trustFault(path: string, found: Stats, isNamed: boolean): string | undefined {
  if (!found.isFile()) return isNamed ? undefined : 'it is no file';
  if (process.platform === 'win32') return undefined;
  if ((found.mode & 0o022) !== 0) {
    return `others may write it (mode ${describeMode(found)}): run chmod go-w ${path}`;
  }
  return isNamed ? undefined : ownerFault(found);
}

/** Why something that nobody named does not count; undefined if this user or root owns it. */
export function ownerFault(found: Stats): string | undefined {
  if (isOwn(found) || found.uid === 0) return undefined;
  return `it belongs to another user (uid ${found.uid})`;
}

/** Options for readRegularFile, by which it throws the {@link trustFault} of a file. */
export function trusted(path: string, isNamed = true): { check(found: Stats): void } {
  return {
    check: (found) => {
      const fault = trustFault(path, found, isNamed);
      if (fault !== undefined) throw new Error(fault);
    },
  };
}

/** The text of a file that was named, or of a pipe; throws if it cannot be read, or with its {@link trustFault}. */
export function readTrusted(path: string): string {
  const file = openSync(path, 'r');
  try {
    trusted(path).check(fstatSync(file));
    return readFileSync(file, 'utf8');
  } finally {
    closeSync(file);
  }
}
