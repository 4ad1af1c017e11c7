import { fstatSync, type Stats, statSync } from 'node:fs';

/**
 * The status of an open file. After fstatSync() of a pipe or a socket, Node.js 20 and 22 do not follow symbolic
 * links when they next resolve a package (https://github.com/nodejs/node/issues/51142): a linked package is
 * loaded twice, with two copies of each class. Another stat makes Node.js forget the pipe.
 */
export function fstat(fd: number): Stats {
  const stats = fstatSync(fd);
  if (stats.isFIFO() || stats.isSocket()) statSync('/');
  return stats;
}
