import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import { ImstateError, messageOf } from '../shared/errors.js';
import { trusted } from '../shared/ownership.js';
import { readRegularText } from '../shared/regularFile.js';
import type { TlsFiles, TlsNames } from './names.js';

/** The contents of the files, for node:tls. */
export type TlsContext = Pick<SecureContextOptions, 'minVersion'> & { [file in keyof TlsFiles]?: string };

/** The checked contents of the files. */
export interface TlsMaterial {
  context: TlsContext;
  /** The own certificate; undefined if there is none. */
  certificate: X509Certificate | undefined;
  /** The CAs of the other side; empty without a file. */
  cas: X509Certificate[];
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----/gs;

/**
 * Reads and checks the files: they must be PEM, the certificates valid now, and the key that of the
 * certificate. Throws BAD_CERTIFICATE (WRONG_USAGE for half of a pair), which names the flag and the file.
 * Returns `before` if the contents are unchanged.
 */
export function readTls({ ca, cert, key }: TlsFiles, names: TlsNames, before?: TlsMaterial): TlsMaterial {
  if ((cert === undefined) !== (key === undefined)) {
    throw new ImstateError(
      'WRONG_USAGE',
      `${names.cert} and ${names.key} belong together: set both, or neither`,
      { field: cert === undefined ? names.key : names.cert },
    );
  }
  const context: TlsContext = {
    minVersion: 'TLSv1.2',
    ...(ca !== undefined && { ca: read(names.ca, ca) }),
    ...(cert !== undefined && { cert: read(names.cert, cert) }),
    ...(key !== undefined && { key: read(names.key, key) }),
  };
  if (before !== undefined && isSame(context, before.context)) return before;
  const cas = ca === undefined ? [] : checkCas(names.ca, ca, context.ca as string);
  if (cert === undefined || key === undefined) return { context, certificate: undefined, cas };
  const certificate = checkCertificate(names.cert, cert, context.cert as string);
  if (!certificate.checkPrivateKey(parseKey(names.key, key, context.key as string))) {
    const rule = `is not the key of the certificate in ${names.cert} ${cert}`;
    throw bad(names.key, key, rule, 'name the files of one pair');
  }
  try {
    createSecureContext(context);
  } catch (error) {
    throw bad(names.cert, cert, `is rejected by OpenSSL (${messageOf(error)})`, 'create it again', error);
  }
  return { context, certificate, cas };
}

/**
 * Reads the files, and returns a function that returns their current contents, for each new connection. While
 * the files are being replaced they may not match: until they do, the previous contents count. Throws like
 * readTls at first.
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

function checkCas(name: string, path: string, pem: string): X509Certificate[] {
  const cas = parseCertificates(name, path, pem);
  const [first] = cas as [X509Certificate];
  // Some CAs of a bundle may have expired, which does no harm.
  if (cas.every((each) => hasExpired(each))) {
    throw bad(name, path, `expired on ${first.validTo}`, 'name the file of the CA that replaces it');
  }
  return cas;
}

function checkCertificate(name: string, path: string, pem: string): X509Certificate {
  const [certificate] = parseCertificates(name, path, pem) as [X509Certificate];
  if (hasExpired(certificate)) {
    throw bad(name, path, `expired on ${certificate.validTo}`, 'have your CA sign a new one');
  }
  if (Date.parse(certificate.validFrom) > Date.now()) {
    throw bad(
      name,
      path,
      `is not valid before ${certificate.validFrom}`,
      'wait, or correct the clock of this machine',
    );
  }
  return certificate;
}

function hasExpired({ validTo }: X509Certificate): boolean {
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
      'name a file that does',
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
    throw bad(name, path, rule, 'name a file that does', error);
  }
}

/** The message never contains the contents of a file. */
function bad(name: string, path: string, rule: string, wayOut: string, cause?: unknown): ImstateError {
  return new ImstateError('BAD_CERTIFICATE', `${name} ${path} ${rule}: ${wayOut}`, { cause, field: name });
}
