import { type UserInfo, userInfo } from 'node:os';

/** Does not exist: caches are skipped, and the embedded store asks for --data-dir. */
const NO_HOME = '/nonexistent';

/**
 * Adds a shell and a home directory to an environment without them. oclif would ask the system for them,
 * which throws for a user without a passwd entry, as in a container that runs with any uid (OpenShift,
 * `runAsUser`).
 */
export function completeHomeAndShell(env: NodeJS.ProcessEnv): void {
  if (process.platform === 'win32' || (env.SHELL !== undefined && env.HOME)) return;
  const account = findAccount();
  env.SHELL ??= account?.shell ?? 'unknown';
  // Not /tmp, oclif's fallback: others may write there.
  env.HOME ||= account?.homedir ?? NO_HOME;
}

function findAccount(): UserInfo<string> | undefined {
  try {
    return userInfo();
  } catch {
    return undefined;
  }
}
