import type { Logger } from 'pino';
import type { Grant } from './records.js';

/** What a line of a file of credentials grants to whom. */
export interface Credential extends Grant {
  name: string;
  /** What must be replaced if it leaks: only compared. */
  secret?: string;
}

export const CREDENTIAL_KINDS = ['token', 'certificate'] as const;
export const CREDENTIAL_CHANGES = ['add', 'change', 'remove'] as const;

/** How the content of a file of credentials has changed. It names no secret. */
export interface CredentialChange {
  kind: (typeof CREDENTIAL_KINDS)[number];
  change: (typeof CREDENTIAL_CHANGES)[number];
  name: string;
  /** Human-readable. */
  detail: string;
}

/** What authentication works with. */
export interface AuthParts {
  log: Logger;
  /** Called when a file grants something else than before. */
  onCredentials(changes: CredentialChange[]): void;
}

/** Compares what a file grants with what it granted before. */
export function compareCredentials(
  kind: CredentialChange['kind'],
  before: readonly Credential[],
  after: readonly Credential[],
): CredentialChange[] {
  const known = byName(before);
  const listed = byName(after);
  const added = [...listed.values()].filter(({ name }) => !known.has(name));
  const removed = [...known.values()].filter(({ name }) => !listed.has(name));
  const changed = [...listed.values()].flatMap((now) => {
    const detail = differenceOf(known.get(now.name), now);
    return detail === '' ? [] : [{ kind, change: 'change' as const, name: now.name, detail }];
  });
  return [
    ...added.map(({ name, role }) => ({ kind, change: 'add' as const, name, detail: `role ${role}` })),
    ...changed,
    ...removed.map(({ name, role }) => ({ kind, change: 'remove' as const, name, detail: `role ${role}` })),
  ];
}

/** What differs; '' if nothing does, or nothing was known. */
function differenceOf(before: Credential | undefined, now: Credential): string {
  if (before === undefined) return '';
  return [
    ...(before.role === now.role ? [] : [`role ${now.role} instead of ${before.role}`]),
    ...(String(before.serverAddrs) === String(now.serverAddrs) ? [] : ['other chat servers']),
    ...(before.secret === now.secret ? [] : ['another secret']),
  ].join('; ');
}

/** Of several with one name, the first counts. */
function byName(credentials: readonly Credential[]): Map<string, Credential> {
  const found = new Map<string, Credential>();
  for (const credential of credentials)
    if (!found.has(credential.name)) found.set(credential.name, credential);
  return found;
}
