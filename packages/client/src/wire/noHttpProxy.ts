/**
 * Channel options that bypass HTTP proxies. grpc-js would use a proxy from `http_proxy` and similar
 * variables, and request the target of the channel from it. Here that is the name of a service, which no
 * proxy can resolve and no `no_proxy` lists.
 */
export const NO_HTTP_PROXY = { 'grpc.enable_http_proxy': 0 } as const;
