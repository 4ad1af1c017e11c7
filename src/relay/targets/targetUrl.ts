import { ImstateError } from 'imstate-client/internal/shared/errors';

/** An error that no retry fixes: the relay does not start. The message must not contain the URL's password. */
export function invalidTarget(message: string, cause?: unknown): ImstateError {
  return new ImstateError('INVALID_ARGUMENT', message, { field: 'to', cause });
}

/** The target rejects the credentials when the relay starts. */
export function rejectedCredentials(message: string): ImstateError {
  return new ImstateError('UNAUTHENTICATED', message, { field: 'to' });
}

/** The parts of a target's URL that brokers have in common, decoded. */
export interface BrokerUrl {
  /** Without brackets. */
  host: string;
  port: number;
  /** `host:port`, with brackets around an IPv6 address. */
  authority: string;
  /** "" if there is none. */
  user: string;
  /** "" if there is none. */
  password: string;
  /** Between the slashes. */
  path: string[];
}

/** Splits the URL of a target. `shape` is what it must look like, for messages. */
export function readBrokerUrl(url: URL, defaultPort: number, shape: string): BrokerUrl {
  const { hostname, search, hash, pathname } = url;
  if (hostname === '' || hostname.includes(','))
    throw invalidTarget(`the target must name one host: ${shape}`);
  if (search !== '' || hash !== '') throw invalidTarget(`the target takes no ?query or #fragment: ${shape}`);
  const port = url.port === '' ? defaultPort : Number(url.port);
  return {
    host: hostname.replace(/^\[|\]$/g, ''),
    port,
    authority: `${hostname}:${port}`,
    user: decodePart(url.username),
    password: decodePart(url.password),
    path: pathname
      .replace(/^\/|\/$/g, '')
      .split('/')
      .map(decodePart),
  };
}

function decodePart(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw invalidTarget('user, password and path of the target must be percent-encoded');
  }
}
