import type { Agent } from 'node:http';
import { HttpProxyAgent } from 'http-proxy-agent';
import { HttpsProxyAgent } from 'https-proxy-agent';
import { isLoopback } from 'imstate-client/internal/shared/address';
import { getProxyForUrl } from 'proxy-from-env';

/**
 * The agent that sends requests for this URL through the HTTP proxy of the environment (`http_proxy`,
 * `https_proxy`, `no_proxy`); undefined if none applies. Requests to this machine never use one. Node.js 20
 * has no agent of its own for that.
 */
export function proxyAgentFor(url: URL): Agent | undefined {
  if (isLoopback(url.hostname.replace(/^\[|\]$/g, ''))) return undefined;
  const proxy = getProxyForUrl(url.href);
  // `all_proxy` may name a SOCKS proxy, which this agent does not support.
  if (!/^https?:/i.test(proxy) || !URL.canParse(proxy)) return undefined;
  return url.protocol === 'https:' ? new HttpsProxyAgent(proxy) : new HttpProxyAgent(proxy);
}
