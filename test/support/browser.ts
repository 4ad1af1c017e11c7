import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, expect } from 'vitest';
import { launch } from './chromium.ts';
import { disposables } from './disposables.ts';

/** Tells the console of the browser what the page's policy stopped, before anything of the page runs. */
const TELL_OF_POLICY = `document.addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) =>
  console.error('policy: ' + violatedDirective + ' ' + blockedURI))`;

/** A browser for the test file that calls this. */
export interface TestBrowser {
  /** Opens a page of the console until the end of the test, which fails if the page broke its policy, asked another host, or threw. */
  open(url: string, options?: BrowserContextOptions): Promise<Page>;
}

/** Starts a browser for the test file that calls this, which finds these names at 127.0.0.1. */
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
        // What a daemon refuses is shown by the page, and noted by the browser too.
        const isRefusal = message.text().startsWith('Failed to load resource');
        // A browser ignores this header of the page over plain HTTP, and says so.
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
