/** Remedies for errors of system calls, by the code of Node.js. */
export const REMEDIES = {
  EMFILE: 'too many open files: raise the limit of this process, such as ulimit -n 4096',
  ENFILE: 'too many open files on this machine: raise fs.file-max',
  ENOSPC: 'no space left on the device: free some',
  EDQUOT: 'disk quota exceeded: free some space, or raise it',
  EROFS: 'read-only file system: choose another path',
  EACCES: 'permission denied: grant access to this user, or choose another path',
  EPERM: 'permission denied: grant access to this user, or choose another path',
  ENOMEM: 'out of memory: free some, or raise the limit',
  EAGAIN:
    'a resource is exhausted, such as processes of this user: free some, or raise the limit (ulimit -u)',
  EIO: 'input/output error: check the device',
} as const satisfies Record<string, string>;

/** The message for an error of a system call; undefined for any other error. */
export function systemFault(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code = '', syscall, path } = error as NodeJS.ErrnoException;
  if (!isKnown(code)) return undefined;
  const call = [syscall, path].filter(Boolean).join(' ');
  return `${call === '' ? code : `${code} (${call})`}: ${REMEDIES[code]}`;
}

function isKnown(code: string): code is keyof typeof REMEDIES {
  return Object.hasOwn(REMEDIES, code);
}
