import { type Logger, pino } from 'pino';
import { Authenticator, type AuthOptions } from '../daemon/auth/authenticator.js';
import { type Check, type Finding, ok, skipped, warning } from './check.js';

/**
 * Checks that a daemon can read the credentials of its callers: opens each file, and fetches keys, like a
 * daemon.
 */
export function authChecks({ tokens, jwt, certificates }: AuthOptions = {}): Check[] {
  return [
    { name: 'auth-tokens', run: () => opened(tokens, '--auth-tokens', { tokens }) },
    { name: 'auth-jwt', run: () => opened(jwt?.jwks, '--auth-jwt-jwks', { jwt }) },
    { name: 'auth-certificates', run: () => opened(certificates, '--auth-certificates', { certificates }) },
  ];
}

/** Rejects like {@link Authenticator.open}; the warnings of a daemon become a finding. */
async function opened(source: string | undefined, flag: string, options: AuthOptions): Promise<Finding> {
  if (source === undefined) return skipped('no file is named');
  const warnings: string[] = [];
  const authenticator = await Authenticator.open(options, { log: logTo(warnings), onCredentials: () => {} });
  authenticator.close();
  return warnings.length > 0 ? warning(warnings.join('; ')) : ok(`${flag} ${source} can be used`);
}

function logTo(warnings: string[]): Logger {
  return pino({ level: 'warn' }, { write: (line) => warnings.push(JSON.parse(line).msg) });
}
