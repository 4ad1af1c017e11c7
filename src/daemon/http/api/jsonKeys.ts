import { ImstateError } from 'imstate-client/internal/shared/errors';
import { camelCase, withFieldNamed } from 'imstate-client/internal/shared/fieldNames';

/** Keys whose names are not those of the fields of proto/ in camel case. */
const KEYS: Readonly<Record<string, string>> = {
  time_to_live: 'ttlMs',
  grace: 'graceMs',
  over: 'overMs',
  login_policy: 'policy',
};

/**
 * The error of a broken rule with the key of the JSON that it is about: `sessions[0].userId`, not
 * `sessions[0].user_id`. Other errors quote what the caller has sent.
 */
export function inJsonKeys(error: unknown): unknown {
  if (!(error instanceof ImstateError) || error.field === undefined) return error;
  if (!error.message.startsWith(`${error.field} `)) return error;
  return withFieldNamed(error, KEYS[error.field] ?? camelCase(error.field));
}
