import type { PeerCertificate } from 'node:tls';
import { ImstateError } from 'imstate-client/internal/shared/errors';
import { type AuthParts, compareCredentials } from './credentialChanges.js';
import { FollowedFile } from './followedFile.js';
import { type Grant, parseRecords, readGrant, readText } from './records.js';
import type { Caller } from './roles.js';

/** Names of a certificate: the common name of its subject, and alternative names of three kinds. */
const KINDS = { cn: 'CN', dns: 'DNS', uri: 'URI', email: 'email' } as const;

/** What a name in a certificate grants. */
interface CertificateEntry extends Grant {
  /** Such as `URI:spiffe://example.org/chat`. */
  name: string;
}

/** The client certificates in a file, as it lists them now. TLS has verified a certificate before. */
export class Certificates {
  #entries: CertificateEntry[] = [];
  #file: FollowedFile<CertificateEntry[]> | undefined;

  private constructor() {}

  /** `onChange` is called when the file has changed. Rejects with AUTH_FILE_UNUSABLE. */
  static async open(
    path: string,
    { log, onCredentials }: AuthParts,
    onChange: () => void,
  ): Promise<Certificates> {
    const certificates = new Certificates();
    certificates.#file = await FollowedFile.open({
      flag: '--auth-certificates',
      path,
      parse: parseCertificates,
      log,
      onChange: (entries) => {
        const before = certificates.#entries;
        certificates.#entries = entries;
        onChange();
        // The first content changes nothing.
        if (certificates.#file !== undefined)
          onCredentials(compareCredentials('certificate', before, entries));
      },
    });
    return certificates;
  }

  /**
   * The identity of a certificate, by the first entry that names it. Throws PERMISSION_DENIED if none does.
   */
  callerOf(certificate: PeerCertificate): Caller {
    const entries = this.#entries;
    const names = namesOf(certificate);
    const entry = this.#entryOf(names);
    const shown = names.slice(0, 4).join(', ');
    if (entry === undefined) {
      throw new ImstateError(
        'PERMISSION_DENIED',
        `the client certificate (${shown}) has no role: list one of its names in the file of --auth-certificates`,
      );
    }
    const { role, serverAddrs } = entry;
    const name = `the client certificate ${entry.name}`;
    const overAtMs = Date.parse(certificate.valid_to);
    return {
      name,
      identity: { kind: 'CERTIFICATE', name: entry.name },
      role,
      serverAddrs: serverAddrs && new Set(serverAddrs),
      fault: () => {
        if (Date.now() >= overAtMs)
          return new ImstateError('UNAUTHENTICATED', `${name} has expired: renew it`);
        if (this.#entries === entries) return undefined;
        const now = this.#entryOf(names);
        if (JSON.stringify(now) === JSON.stringify(entry)) return undefined;
        if (now !== undefined)
          return new ImstateError('UNAVAILABLE', `${name} has other rights now: call again`);
        return new ImstateError('UNAUTHENTICATED', `${name} no longer has a role`);
      },
    };
  }

  /** See FollowedFile.isStale. */
  get isStale(): boolean {
    return this.#file?.isStale ?? false;
  }

  close(): void {
    this.#file?.close();
  }

  #entryOf(names: string[]): CertificateEntry | undefined {
    return this.#entries.find(({ name }) => names.includes(name));
  }
}

function parseCertificates(text: string): CertificateEntry[] {
  const kinds = Object.keys(KINDS) as (keyof typeof KINDS)[];
  return parseRecords(text, [...kinds, 'role', 'servers'], (record) => {
    const [kind, ...others] = kinds.filter((each) => each in record);
    if (kind === undefined || others.length > 0) throw new Error(`it must have one of ${kinds.join(', ')}`);
    return { name: `${KINDS[kind]}:${readText(record, kind, /./, 'a name')}`, ...readGrant(record) };
  });
}

/** The names in a certificate that an entry may list, such as `CN:ops`. */
export function namesOf({ subject, subjectaltname = '' }: PeerCertificate): string[] {
  // Of several common names, none can be relied on.
  const commonName = typeof subject?.CN === 'string' ? [`CN:${subject.CN}`] : [];
  return [...commonName, ...alternativeNames(subjectaltname)];
}

/** Parses `DNS:a.example, URI:"a, b"`: Node.js quotes a name, as JSON, if it could be read as several. */
function alternativeNames(text: string): string[] {
  const parts = text.matchAll(/([A-Za-z ]+):("(?:[^"\\]|\\.)*"|[^,]*)(?:, |$)/g);
  return [...parts].map(([, kind, value]) => `${kind}:${value?.startsWith('"') ? JSON.parse(value) : value}`);
}
