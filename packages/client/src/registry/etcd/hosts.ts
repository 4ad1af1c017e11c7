import { ImstateError } from '../../shared/errors.js';

/**
 * Reads "host:port,…", each with an optional http:// or https://. Returns URLs of one scheme. Throws
 * BAD_URL.
 */
export function parseEtcdHosts(text: string): string[] {
  const hosts = text.split(',').map((host) => host.trim());
  const urls = hosts.map((host) => (/^[a-z]+:\/\//i.test(host) ? host : `http://${host}`));
  for (const [i, url] of urls.entries()) {
    const parsed = URL.canParse(url) ? new URL(url) : undefined;
    const known = parsed !== undefined && ['http:', 'https:'].includes(parsed.protocol);
    if (
      !known ||
      parsed.hostname === '' ||
      !/:\d+\/?$/.test(url) ||
      parsed.pathname !== '/' ||
      parsed.search !== ''
    ) {
      throw badHosts(
        `"${withoutUser(hosts[i] as string)}" must look like HOST:PORT, http://HOST:PORT or https://HOST:PORT`,
      );
    }
    if (parsed.username !== '' || parsed.password !== '') {
      throw badHosts(
        'it must not contain user and password: set --etcd-user, and --etcd-password-file or IMSTATE_ETCD_PASSWORD',
      );
    }
  }
  if (new Set(urls.map((url) => new URL(url).protocol)).size > 1) {
    throw badHosts('all of them must be http:// or all of them https://');
  }
  return urls.map((url) => url.replace(/\/$/, ''));
}

export function badHosts(rule: string): ImstateError {
  return new ImstateError('BAD_URL', `the etcd address cannot be used: ${rule}`, { field: '--etcd' });
}

function withoutUser(host: string): string {
  return host.replace(/\/\/.*@/, '//…@');
}
