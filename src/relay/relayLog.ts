import type { Logger } from 'pino';

/** Where a relay reports what it does. */
export type RelayLog = Pick<Logger, 'info' | 'warn'>;
