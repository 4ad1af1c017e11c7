/**
 * Channel options that keep a channel away from HTTP proxies. grpc-js would take one from `http_proxy` and the like, and ask it for
 * the name of the channel's target: the name of a service here, which no proxy can resolve and no `no_proxy` lists.
 */
export const DIRECT = { 'grpc.enable_http_proxy': 0 } as const;
