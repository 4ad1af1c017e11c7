import { execFileSync } from 'node:child_process';
import { type Browser, chromium } from 'playwright-core';

/** Starts the Chromium of the PATH without a window. It finds no host but this machine, and has no network beyond it. */
export function launch(): Promise<Browser> {
  const executablePath = execFileSync('which', ['chromium'], { encoding: 'utf8' }).trim();
  const rules = '--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1';
  // Chromium refuses to run as root with its sandbox, as containers of CI do.
  return chromium.launch({ executablePath, args: ['--no-sandbox', rules] });
}
