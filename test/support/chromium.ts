import { execFileSync } from 'node:child_process';
import { type Browser, chromium } from 'playwright-core';

/**
 * Starts the Chromium of the PATH without a window. It finds no host but this machine, and has no network beyond it; `names` lead to
 * 127.0.0.1.
 */
export function launch(names: string[] = []): Promise<Browser> {
  const executablePath = execFileSync('which', ['chromium'], { encoding: 'utf8' }).trim();
  const own = names.map((name) => `MAP ${name} 127.0.0.1 , `).join('');
  const rules = `--host-resolver-rules=${own}MAP * ~NOTFOUND , EXCLUDE 127.0.0.1`;
  // Chromium refuses to run as root with its sandbox, as containers of CI do.
  return chromium.launch({ executablePath, args: ['--no-sandbox', rules] });
}
