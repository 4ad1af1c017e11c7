import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { disposables } from './disposables.ts';
import { temporaryDirectory } from './servers.ts';

const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
const HERE = ['DNS:localhost', 'IP:127.0.0.1'];

/** Paths of a certificate and its key. */
export interface Pair {
  cert: string;
  key: string;
}

/** A CA until the end of the test: openssl in its own folder. */
export class Authority {
  readonly folder: string;
  readonly #name: string;
  #issued = 0;

  static async make(name = 'authority', days = 2): Promise<Authority> {
    const { path, remove } = await temporaryDirectory();
    disposables.push(remove);
    const authority = new Authority(path, name);
    const to = ['-keyout', join(path, 'ca.key'), '-out', authority.file];
    await openssl('req', '-x509', ...NEW_KEY, '-days', `${days}`, '-subj', `/CN=${name}`, ...to);
    return authority;
  }

  private constructor(folder: string, name: string) {
    this.folder = folder;
    this.#name = name;
  }

  /** Its own certificate. */
  get file(): string {
    return join(this.folder, 'ca.pem');
  }

  /** Issues a certificate for these names; by default for this machine. */
  async issue({ subject = 'daemon', names = HERE, days = 2 } = {}): Promise<Pair> {
    this.#issued += 1;
    const file = (type: string) => join(this.folder, `${this.#name}-${subject}-${this.#issued}.${type}`);
    const [cert, key, request, extensions] = [file('pem'), file('key'), file('csr'), file('ext')];
    await openssl('req', ...NEW_KEY, '-subj', `/CN=${subject}`, '-keyout', key, '-out', request);
    await writeFile(extensions, `subjectAltName=${names.join(',')}\n`);
    const by = ['-CA', this.file, '-CAkey', join(this.folder, 'ca.key'), '-CAcreateserial'];
    const what = ['-days', `${days}`, '-extfile', extensions];
    await openssl('x509', '-req', '-in', request, ...by, ...what, '-out', cert);
    return { cert, key };
  }
}

export async function openssl(...args: string[]): Promise<void> {
  await promisify(execFile)('openssl', args);
}
