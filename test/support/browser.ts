import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, expect } from 'vitest';
import { launch } from './chromium.ts';
import { disposables } from './disposables.ts';

/** Logs violations of the page's policy to the console of the browser. Runs before the page. */
const TELL_OF_POLICY = `document.addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) =>
  console.error('policy: ' + violatedDirective + ' ' + blockedURI))`;

/** A browser for the calling test file. */
export interface TestBrowser {
  /**
   * Opens a page until the end of the test, which fails if the page violated its policy, called another host,
   * or threw.
   */
  open(url: string, options?: BrowserContextOptions): Promise<Page>;
}

/** Starts a browser for the calling test file. It resolves these names to 127.0.0.1. */
export function testBrowser(...names: string[]): TestBrowser {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launch(names);
  });
  afterAll(() => browser?.close());
  return {
    async open(url, options = {}) {
      const context = await browser.newContext({
        viewport: { width: 1280, height: 800 },
        locale: 'en-GB',
        ...options,
      });
      context.setDefaultTimeout(30_000);
      const page = await context.newPage();
      const faults: string[] = [];
      page.on('pageerror', (error) => faults.push(String(error)));
      page.on('console', (message) => {
        // The page shows what a daemon rejects; the browser logs it too.
        const isRefusal = message.text().startsWith('Failed to load resource');
        // Over plain HTTP a browser ignores this header, and logs that.
        const isIgnored = message.text().startsWith('The Cross-Origin-Opener-Policy header has been ignored');
        if (message.type() === 'error' && !isRefusal && !isIgnored) faults.push(message.text());
      });
      page.on('request', (request) => {
        if (new URL(request.url()).origin !== new URL(url).origin) faults.push(`asked ${request.url()}`);
      });
      await page.addInitScript(TELL_OF_POLICY);
      disposables.push(async () => {
        await context.close();
        expect(faults).toEqual([]);
      });
      await page.goto(url);
      return page;
    },
  };
}
