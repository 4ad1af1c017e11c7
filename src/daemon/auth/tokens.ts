import { ImstateError } from 'imstate-client/internal/shared/errors';
import { type AuthParts, type CredentialChange, compareCredentials } from './credentialChanges.js';
import { FollowedFile } from './followedFile.js';
import type { Caller } from './roles.js';
import { hashToken, parseTokens, type TokenEntry } from './tokenFile.js';

interface Known {
  entry: TokenEntry;
  caller: Caller;
}

/** The tokens in a file, as it lists them now. */
export class Tokens {
  readonly #onCredentials: AuthParts['onCredentials'];
  #byHash = new Map<string, Known>();
  #file: FollowedFile<TokenEntry[]> | undefined;

  private constructor(onCredentials: AuthParts['onCredentials']) {
    this.#onCredentials = onCredentials;
  }

  /** Rejects with AUTH_FILE_UNUSABLE. */
  static async open(path: string, { log, onCredentials }: AuthParts): Promise<Tokens> {
    const tokens = new Tokens(onCredentials);
    tokens.#file = await FollowedFile.open({
      flag: '--auth-tokens',
      path,
      parse: parseTokens,
      log,
      onChange: (entries) => tokens.#take(entries),
    });
    return tokens;
  }

  /**
   * The identity of a token. Throws UNAUTHENTICATED if it is not listed. It is looked up by its hash, so the
   * time of the lookup reveals nothing about a token.
   */
  callerOf(token: string): Caller {
    const known = this.#byHash.get(hashToken(token));
    if (known !== undefined) return known.caller;
    throw new ImstateError(
      'UNAUTHENTICATED',
      'unknown token: it was revoked, or belongs to another service; create one with imstate token create',
    );
  }

  /** See FollowedFile.isStale. */
  get isStale(): boolean {
    return this.#file?.isStale ?? false;
  }

  close(): void {
    this.#file?.close();
  }

  /** An unchanged entry keeps its caller, and so the streams of the caller. */
  #take(entries: TokenEntry[]): void {
    const before = this.#byHash;
    this.#byHash = new Map(
      entries.map((entry) => {
        const known = before.get(entry.sha256);
        const isSame = known !== undefined && JSON.stringify(known.entry) === JSON.stringify(entry);
        return [entry.sha256, isSame ? known : { entry, caller: this.#toCaller(entry) }];
      }),
    );
    // The first content changes nothing.
    if (this.#file !== undefined) this.#onCredentials(changesBetween(before, this.#byHash));
  }

  #toCaller({ id, sha256, role, serverAddrs }: TokenEntry): Caller {
    const name = `token "${id}"`;
    const caller: Caller = {
      name,
      identity: { kind: 'TOKEN', name: id },
      role,
      serverAddrs: serverAddrs && new Set(serverAddrs),
      fault: () => {
        const now = this.#byHash.get(sha256)?.caller;
        if (now === caller) return undefined;
        if (now !== undefined)
          return new ImstateError('UNAVAILABLE', `${name} has other rights now: call again`);
        return new ImstateError('UNAUTHENTICATED', `${name} was revoked: use another one`);
      },
    };
    return caller;
  }
}

function changesBetween(before: Map<string, Known>, after: Map<string, Known>): CredentialChange[] {
  const [known, listed] = [before, after].map((tokens) =>
    [...tokens.values()].map(({ entry: { id, sha256, ...grant } }) => ({
      ...grant,
      name: id,
      secret: sha256,
    })),
  );
  return compareCredentials('token', known ?? [], listed ?? []);
}
