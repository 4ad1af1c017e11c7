import type { BrowserContextOptions, Page } from 'playwright-core';
import { beforeEach } from 'vitest';
import type { Client } from '../../packages/client/src/index.ts';
import { testBrowser } from './browser.ts';
import type { TestDaemon } from './daemon.ts';
import { clientOf, startDaemon } from './disposables.ts';

/** Serves HTTP on a free port. */
export const http = { addr: '127.0.0.1', port: 0 };

/** A browser for the test file, and for each test a daemon without authentication and a client. */
export interface TestConsole {
  daemon: TestDaemon;
  client: Client;
  /** Opens a view of the daemon, such as `users/alice`. */
  open(view?: string, options?: BrowserContextOptions): Promise<Page>;
  /** Opens any page like {@link open}. */
  openUrl(url: string, options?: BrowserContextOptions): Promise<Page>;
}

/** Starts what tests of the web console need. */
export function testConsole(): TestConsole {
  const browser = testBrowser();
  const made = {
    open: (view = '', options = {}) => browser.open(`${made.daemon.http}/console/#/${view}`, options),
    openUrl: browser.open,
  } as TestConsole;
  beforeEach(async () => {
    made.daemon = await startDaemon({ http });
    made.client = await clientOf(made.daemon.addr);
  });
  return made;
}

/** Waits for an element that has the text. */
export async function see(page: Page, selector: string, text: string | RegExp = ''): Promise<void> {
  await page.locator(selector).filter({ hasText: text }).first().waitFor();
}
