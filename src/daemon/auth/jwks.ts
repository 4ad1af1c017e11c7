import { isLoopback } from 'imstate-client/internal/shared/address';
import { ImstateError } from 'imstate-client/internal/shared/errors';
import type { Logger } from 'pino';
import { FollowedFile } from './followedFile.js';
import { JWKS_FLAG, type Jwks, type KeySet, parseKeys } from './keySet.js';
import { RemoteJwks } from './remoteJwks.js';

/**
 * Opens the keys of a file, or of a URL: https, or http on this machine. `onChange` is called whenever the
 * keys may have changed. Rejects with AUTH_FILE_UNUSABLE, WRONG_USAGE, or AUTH_KEYS_UNAVAILABLE, which may
 * pass.
 */
export async function openJwks(source: string, log: Logger, onChange: () => void): Promise<Jwks> {
  if (!/^https?:/i.test(source)) return openFile(source, log, onChange);
  const keys = new RemoteJwks(parseUrl(source), log, onChange);
  try {
    await keys.fetch();
  } catch (error) {
    keys.close();
    throw error;
  }
  return keys;
}

async function openFile(path: string, log: Logger, onChange: () => void): Promise<Jwks> {
  let keys: KeySet | undefined;
  const file = await FollowedFile.open({
    flag: JWKS_FLAG,
    path,
    parse: parseKeys,
    log,
    onChange: (value) => {
      keys = value;
      onChange();
    },
  });
  return {
    keyOf: (header, jwt) => (keys as KeySet)(header, jwt),
    get isStale() {
      return file.isStale;
    },
    close: () => file.close(),
  };
}

/** Keys that arrive in plain text from another machine could be anybody's. */
function parseUrl(source: string): URL {
  const url = URL.canParse(source) ? new URL(source) : undefined;
  const isLocal = url?.protocol === 'http:' && isLoopback(url.hostname.replace(/^\[|\]$/g, ''));
  const isSafe = url?.protocol === 'https:' || isLocal;
  if (url !== undefined && isSafe && url.username === '' && url.password === '') return url;
  throw new ImstateError(
    'WRONG_USAGE',
    `${JWKS_FLAG} must be a file, or a URL without a user that begins with https:// (on this machine also http://)`,
    { field: JWKS_FLAG },
  );
}
