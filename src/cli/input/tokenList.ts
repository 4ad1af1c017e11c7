import { ImstateError, messageOf } from 'imstate-client/internal/shared/errors';
import { readRegularText } from 'imstate-client/internal/shared/regularFile';
import { parseTokens, type TokenEntry } from '../../daemon/auth/tokenFile.js';
import { replaceFile } from './replaceFile.js';

/** Reads a file of tokens; rejects with AUTH_FILE_UNUSABLE. */
export async function readTokens(path: string): Promise<TokenEntry[]> {
  try {
    return parseTokens(readRegularText(path));
  } catch (error) {
    throw unusable(path, error);
  }
}

/**
 * Changes a file of tokens. `change` gets its text, '' if there is no file, and its entries, and returns the
 * new text.
 */
export async function changeTokens(
  path: string,
  change: (text: string, entries: TokenEntry[]) => string,
): Promise<void> {
  try {
    await replaceFile(path, (text) => change(text, parse(path, text)));
  } catch (error) {
    throw error instanceof ImstateError ? error : unusable(path, error);
  }
}

function parse(path: string, text: string): TokenEntry[] {
  try {
    return parseTokens(text);
  } catch (error) {
    throw unusable(path, error);
  }
}

function unusable(path: string, error: unknown): ImstateError {
  const message = `the file of tokens ${path} cannot be used (${messageOf(error)}): correct it, or name another with --file`;
  return new ImstateError('AUTH_FILE_UNUSABLE', message, { cause: error, field: '--file' });
}
