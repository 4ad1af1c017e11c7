import { ImstateError, messageOf } from 'imstate-client/internal/shared/errors';
import { readTrusted } from 'imstate-client/internal/shared/ownership';

/** Reads a file that holds one secret and nothing else. Throws CONFIG_UNUSABLE, which shows nothing of it. */
export function readSecret(file: string, flag: string): string {
  let text: string;
  try {
    text = readTrusted(file).trim();
  } catch (error) {
    const message = `the file of ${flag} cannot be read (${messageOf(error)}): name one that this user can read`;
    throw new ImstateError('CONFIG_UNUSABLE', message, { cause: error, field: flag });
  }
  if (text !== '' && !/\s/.test(text)) return text;
  throw new ImstateError(
    'CONFIG_UNUSABLE',
    `the file of ${flag}, ${file}, must hold one word and nothing else`,
    { field: flag },
  );
}
