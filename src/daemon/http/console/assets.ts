import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { extname } from 'node:path';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';

const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};
const { resolve } = createRequire(import.meta.url);
/** The folder of the page, and the files of packages that it uses. */
const FOLDER = new URL('../../../../console/', import.meta.url);
const VENDOR = {
  'vendor/uPlot.js': () => resolve('uplot/dist/uPlot.esm.js'),
  'vendor/uPlot.css': () => resolve('uplot/dist/uPlot.min.css'),
};

/** A file of the page. */
export interface Asset {
  /** The path below the page, such as `lang/en.js`. */
  name: string;
  type: string;
  body: Buffer;
  zipped: Buffer;
  /** Weak, because the file is the same with or without gzip. */
  etag: string;
}

/** Reads all files of the page. */
export async function readAssets(): Promise<Asset[]> {
  const names = await readdir(FOLDER, { recursive: true });
  const own = names
    .map((name) => name.replaceAll('\\', '/'))
    .filter((name) => extname(name) in TYPES)
    .map((name) => readAsset(name, new URL(name, FOLDER)));
  const vendor = Object.entries(VENDOR).map(([name, file]) => readAsset(name, file()));
  return Promise.all([...own, ...vendor]);
}

async function readAsset(name: string, path: string | URL): Promise<Asset> {
  const body = await readFile(path);
  const hash = createHash('sha256').update(body).digest('base64url').slice(0, 22);
  const zipped = await promisify(gzip)(body, { level: 9 });
  return { name, type: TYPES[extname(name)] as string, body, zipped, etag: `W/"${hash}"` };
}
