import { createInterface } from 'node:readline/promises';
import { ImstateError } from 'imstate-client/internal/shared/errors';
import { printable } from '../output/printable.js';

/** Usually a terminal. */
export interface Terminal {
  input: NodeJS.ReadableStream & { isTTY?: boolean };
  output: NodeJS.WritableStream;
}

/** Where a command asks: stdout is for its results. */
export const STANDARD_TERMINAL: Terminal = { input: process.stdin, output: process.stderr };

/** Asks a question. Anything but yes is no, and so are Ctrl-C and Ctrl-D. */
export async function confirm(question: string, { input, output }: Terminal): Promise<boolean> {
  const lines = createInterface({ input, output });
  const answer = await new Promise<string>((resolve) => {
    lines.once('SIGINT', () => {
      output.write('\n');
      lines.close();
    });
    lines.once('close', () => resolve(''));
    lines.question(`${printable(question)} [y/N] `).then(resolve, () => resolve(''));
  });
  lines.close();
  return /^y(es)?$/i.test(answer.trim());
}

/** Throws WRONG_USAGE without a terminal: the caller must confirm beforehand. */
export function checkTerminal({ input }: Terminal): void {
  if (input.isTTY === true) return;
  throw new ImstateError('WRONG_USAGE', 'cannot ask for confirmation without a terminal: add --yes');
}
