import { type Browser, chromium } from 'playwright-core';
import { ensureInstalled } from './packages.ts';

/** Starts Debian's Chromium without a window. It finds no host but this machine, and has no network beyond it. */
export function launch(): Promise<Browser> {
  ensureInstalled({ chromium: 'chromium' });
  const rules = '--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1';
  // Chromium refuses to run as root with its sandbox, as containers of CI do.
  return chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox', rules] });
}
