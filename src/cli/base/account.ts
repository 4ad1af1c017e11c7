import { type UserInfo, userInfo } from 'node:os';

/** A folder that is not there: caches are skipped, and the embedded store asks for --data-dir. */
const NO_HOME = '/nonexistent';

/**
 * Gives the environment a shell and a home folder where it names none. oclif asks the system for them, and throws for a
 * user without a passwd entry, as in a container that runs with any uid (OpenShift, `runAsUser`).
 */
export function completeAccount(env: NodeJS.ProcessEnv): void {
  if (process.platform === 'win32' || (env.SHELL !== undefined && env.HOME)) return;
  const account = findAccount();
  env.SHELL ??= account?.shell ?? 'unknown';
  // Not /tmp, which oclif would take for an empty HOME: others may write there.
  env.HOME ||= account?.homedir ?? NO_HOME;
}

function findAccount(): UserInfo<string> | undefined {
  try {
    return userInfo();
  } catch {
    return undefined;
  }
}
