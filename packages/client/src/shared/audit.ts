/** How an administrative act ended: `DENIED` if the caller may not do it, `FAILED` if it failed otherwise. */
export type AuditOutcome = 'OK' | 'DENIED' | 'FAILED';

/** How an administrative act reached the daemon. */
export type AuditVia = 'GRPC' | 'HTTP' | 'FILE' | 'SIGNAL';

/**
 * How the caller of an administrative act proved its identity. `HOST` is somebody with access to the machine of
 * the daemon.
 */
export type IdentityKind = 'TOKEN' | 'JWT' | 'CERTIFICATE' | 'ANONYMOUS' | 'UNAUTHENTICATED' | 'HOST';
