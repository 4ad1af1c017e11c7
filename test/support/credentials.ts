import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { exportJWK, type GenerateKeyPairResult, generateKeyPair, SignJWT } from 'jose';
import { ROLES, type Role } from '../../src/daemon/auth/roles.ts';
import { formatToken, hashToken, makeToken } from '../../src/daemon/auth/tokenFile.ts';
import { disposables } from './disposables.ts';
import { temporaryDirectory } from './servers.ts';

/** A file of tokens until the end of the test. It starts with one token per role, named after the role. */
export class TokenFile {
  readonly path: string;
  readonly tokens: Record<string, string> = {};

  static async make(): Promise<TokenFile> {
    const file = new TokenFile(join(await scratchDirectory(), 'tokens.ndjson'));
    for (const role of ROLES) await file.add(role, role);
    return file;
  }

  private constructor(path: string) {
    this.path = path;
  }

  /** Adds a token, and returns it. */
  async add(id: string, role: Role, serverAddrs?: string[]): Promise<string> {
    const token = makeToken();
    const entry = { id, sha256: hashToken(token), role, serverAddrs, created: '2026-11-23T08:00:00Z' };
    await appendFile(this.path, `${formatToken(entry)}\n`);
    this.tokens[id] = token;
    return token;
  }

  /** Edits the file by hand. */
  async edit(change: (text: string) => string): Promise<void> {
    await writeFile(this.path, change(await readFile(this.path, 'utf8')));
  }

  async remove(id: string): Promise<void> {
    await this.edit((text) =>
      text
        .split('\n')
        .filter((line) => !line.includes(`"id":"${id}"`))
        .join('\n'),
    );
  }
}

export const ISSUER = 'https://issuer.example';
export const AUDIENCE = 'imstate';

/** Signs JWTs with its own key. */
export class Issuer {
  readonly #privateKey: GenerateKeyPairResult['privateKey'];
  /** Its JWKS. */
  readonly jwk: object;
  readonly #kid: string;

  static async make(kid = 'key-1'): Promise<Issuer> {
    const { publicKey, privateKey } = await generateKeyPair('ES256');
    return new Issuer(kid, privateKey, { ...(await exportJWK(publicKey)), kid, alg: 'ES256', use: 'sig' });
  }

  private constructor(kid: string, privateKey: GenerateKeyPairResult['privateKey'], jwk: object) {
    this.#kid = kid;
    this.#privateKey = privateKey;
    this.jwk = jwk;
  }

  /** A JWT of a reader for one hour, unless the claims differ. Undefined claims are left out. */
  sign(claims: Record<string, unknown> = {}): Promise<string> {
    const now = Math.floor(Date.now() / 1_000);
    const usual = { iss: ISSUER, aud: AUDIENCE, sub: 'somebody', exp: now + 3_600, imstate_role: 'reader' };
    return new SignJWT({ ...usual, ...claims })
      .setProtectedHeader({ alg: 'ES256', kid: this.#kid })
      .sign(this.#privateKey);
  }
}

/** A file with the keys of these issuers, until the end of the test. */
export async function keysFile(...issuers: Issuer[]): Promise<string> {
  const path = join(await scratchDirectory(), 'jwks.json');
  await writeFile(path, keysOf(...issuers));
  return path;
}

/** The keys of these issuers. */
export function keysOf(...issuers: Issuer[]): string {
  return JSON.stringify({ keys: issuers.map(({ jwk }) => jwk) });
}

/** A folder until the end of the test. */
export async function scratchDirectory(): Promise<string> {
  const { path, remove } = await temporaryDirectory();
  disposables.push(remove);
  return path;
}
