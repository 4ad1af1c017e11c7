import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import { ImstateError, messageOf } from '../shared/errors.js';
import { trusted } from '../shared/ownership.js';
import { readRegularText } from '../shared/regularFile.js';
import type { TlsFiles, TlsNames } from './names.js';

/** What the files hold, for node:tls. */
export type TlsContext = Pick<SecureContextOptions, 'minVersion'> & { [file in keyof TlsFiles]?: string };

/** The same, checked. */
export interface TlsMaterial {
  context: TlsContext;
  /** The certificate to show; undefined if there is none. */
  certificate: X509Certificate | undefined;
  /** Those of the other side; none if there is no file of them. */
  authorities: X509Certificate[];
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----/gs;

/**
 * Reads the files and checks what can be checked: that they are PEM, that the certificates are valid today, and that the key
 * belongs to the certificate. Throws BAD_CERTIFICATE (or WRONG_USAGE, for half a pair), which names the flag and the file.
 * Returns `before` if the files hold the same as then.
 */
export function readTls({ ca, cert, key }: TlsFiles, names: TlsNames, before?: TlsMaterial): TlsMaterial {
  if ((cert === undefined) !== (key === undefined)) {
    throw new ImstateError(
      'WRONG_USAGE',
      `${names.cert} and ${names.key} go together: give both, or neither`,
    );
  }
  const context: TlsContext = {
    minVersion: 'TLSv1.2',
    ...(ca !== undefined && { ca: read(names.ca, ca) }),
    ...(cert !== undefined && { cert: read(names.cert, cert) }),
    ...(key !== undefined && { key: read(names.key, key) }),
  };
  if (before !== undefined && isSame(context, before.context)) return before;
  const authorities = ca === undefined ? [] : checkAuthorities(names.ca, ca, context.ca as string);
  if (cert === undefined || key === undefined) return { context, certificate: undefined, authorities };
  const certificate = checkCertificate(names.cert, cert, context.cert as string);
  if (!certificate.checkPrivateKey(parseKey(names.key, key, context.key as string))) {
    const rule = `is not the key of the certificate in ${names.cert} ${cert}`;
    throw bad(names.key, key, rule, 'name the two files of one pair');
  }
  try {
    createSecureContext(context);
  } catch (error) {
    throw bad(names.cert, cert, `is refused by OpenSSL (${messageOf(error)})`, 'make it anew', error);
  }
  return { context, certificate, authorities };
}

/**
 * Reads the files now, and gives what they hold whenever it is asked: for connections that are made again and again. While they
 * are being replaced they may not go together; what they held before does. Throws as readTls does, at first.
 */
export function followTls(files: TlsFiles, names: TlsNames): () => TlsMaterial {
  let material = readTls(files, names);
  return () => {
    try {
      material = readTls(files, names, material);
    } catch {}
    return material;
  };
}

function isSame(one: TlsContext, other: TlsContext): boolean {
  return one.ca === other.ca && one.cert === other.cert && one.key === other.key;
}

function read(name: string, path: string): string {
  try {
    return readRegularText(path, trusted(path));
  } catch (error) {
    throw bad(
      name,
      path,
      `cannot be read (${messageOf(error)})`,
      'name a file that this user may read',
      error,
    );
  }
}

function checkAuthorities(name: string, path: string, pem: string): X509Certificate[] {
  const authorities = parseCertificates(name, path, pem);
  const [first] = authorities as [X509Certificate];
  // Of a bundle some may have expired: those are of no use, and do no harm.
  if (authorities.every((authority) => isOver(authority))) {
    throw bad(name, path, `expired on ${first.validTo}`, 'name the authority that has followed it');
  }
  return authorities;
}

function checkCertificate(name: string, path: string, pem: string): X509Certificate {
  const [certificate] = parseCertificates(name, path, pem) as [X509Certificate];
  if (isOver(certificate)) {
    throw bad(name, path, `expired on ${certificate.validTo}`, 'have a new one signed by your authority');
  }
  if (Date.parse(certificate.validFrom) > Date.now()) {
    throw bad(
      name,
      path,
      `is not valid before ${certificate.validFrom}`,
      "wait, or set this machine's clock",
    );
  }
  return certificate;
}

function isOver({ validTo }: X509Certificate): boolean {
  return Date.parse(validTo) < Date.now();
}

/** At least one. */
function parseCertificates(name: string, path: string, pem: string): X509Certificate[] {
  const blocks = pem.match(CERTIFICATE);
  if (blocks === null) {
    throw bad(
      name,
      path,
      'holds no certificate in PEM (-----BEGIN CERTIFICATE-----)',
      'name the file that does',
    );
  }
  try {
    return blocks.map((block) => new X509Certificate(block));
  } catch (error) {
    throw bad(name, path, `is broken (${messageOf(error)})`, 'copy it again', error);
  }
}

function parseKey(name: string, path: string, pem: string): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch (error) {
    if (/passphrase|bad decrypt|interrupted or cancelled/i.test(messageOf(error))) {
      const wayOut = `write it without one: openssl pkey -in ${path} -out FILE`;
      throw bad(name, path, 'is protected by a passphrase', wayOut, error);
    }
    const rule = 'holds no private key in PEM (-----BEGIN PRIVATE KEY-----)';
    throw bad(name, path, rule, 'name the file that does', error);
  }
}

/** Never tells what a file holds. */
function bad(name: string, path: string, rule: string, wayOut: string, cause?: unknown): ImstateError {
  return new ImstateError('BAD_CERTIFICATE', `${name} ${path} ${rule}: ${wayOut}`, { cause });
}
