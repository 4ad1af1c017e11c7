import { execFileSync } from 'node:child_process';
import { type Browser, chromium } from 'playwright-core';

/**
 * Starts the headless Chromium of the PATH. It can reach only this machine, and resolves `names` to
 * 127.0.0.1.
 */
export function launch(names: string[] = []): Promise<Browser> {
  const executablePath = execFileSync('which', ['chromium'], { encoding: 'utf8' }).trim();
  const own = names.map((name) => `MAP ${name} 127.0.0.1 , `).join('');
  const rules = `--host-resolver-rules=${own}MAP * ~NOTFOUND , EXCLUDE 127.0.0.1`;
  // With its sandbox, Chromium refuses to run as root, as in CI containers.
  return chromium.launch({ executablePath, args: ['--no-sandbox', rules] });
}
