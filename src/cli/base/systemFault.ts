/** Remedies for errors of system calls, by the code of Node.js. */
export const REMEDIES = {
  EMFILE: 'this process may not open more files: raise its limit, such as ulimit -n 4096',
  ENFILE: 'this machine may not open more files: raise fs.file-max, or end what holds them',
  ENOSPC: 'no space is left on the device: free some',
  EDQUOT: 'the disk quota is used up: free some space, or raise it',
  EROFS: 'the file system is read-only: choose another place',
  EACCES: 'this user lacks the right: grant it, or choose another place',
  EPERM: 'this user lacks the right: grant it, or choose another place',
  ENOMEM: 'no memory is left: free some, or raise the limit',
  EAGAIN:
    'the system lacks a resource, such as processes of this user: free some, or raise the limit (ulimit -u)',
  EIO: 'the device failed: check it',
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
