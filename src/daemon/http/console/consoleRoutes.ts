import type { Exchange, Route } from '../routes.js';
import { type Asset, readAssets } from './assets.js';

/**
 * Nothing is loaded, run or connected to but what this daemon serves: no inline script or style, no other
 * host, no frame around the page. So text that got into the page as markup could neither run nor send
 * anything away.
 */
const HEADERS = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  // Revalidated each time, and answered with 304: a page is never older than its daemon.
  'cache-control': 'no-cache',
  vary: 'accept-encoding',
};

/**
 * The web console at `/console/`. It is open to everybody: it holds no data, and the API that it calls
 * authenticates callers.
 */
export async function consoleRoutes(): Promise<Route[]> {
  const assets = await readAssets();
  return [
    ...['/', '/console'].map((path) => route(path, redirect)),
    ...assets.map((asset) => {
      const path = asset.name === 'index.html' ? '/console/' : `/console/${asset.name}`;
      return route(path, (exchange) => send(exchange, asset));
    }),
  ];
}

function route(path: string, handle: Route['handle']): Route {
  return { method: 'GET', path, role: undefined, handle };
}

/** Relative, so that it stays below any path that a proxy adds. */
function redirect({ response }: Exchange): void {
  response.writeHead(302, { location: 'console/' }).end();
}

function send({ request, response }: Exchange, { type, body, zipped, etag }: Asset): void {
  if (request.headers['if-none-match'] === etag) {
    response.writeHead(304, { ...HEADERS, etag }).end();
    return;
  }
  const isZipped = takesGzip(String(request.headers['accept-encoding'] ?? ''));
  const content = isZipped ? zipped : body;
  response.writeHead(200, {
    ...HEADERS,
    etag,
    'content-type': type,
    'content-length': content.length,
    ...(isZipped && { 'content-encoding': 'gzip' }),
  });
  response.end(content);
}

/** True if gzip is among the accepted codings, and not with `q=0`, which rejects it. */
function takesGzip(codings: string): boolean {
  return /(^|,)\s*gzip\s*(?!;\s*q=0(\.0*)?\s*(,|$))(;|,|$)/i.test(codings);
}
