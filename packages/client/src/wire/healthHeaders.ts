/** Headers of the health responses of a daemon. */
export const HEALTH_HEADERS = {
  /** Its version of imstate. */
  version: 'imstate-version',
  /** Its --max-devices: daemons of one store should agree. */
  maxDevices: 'imstate-max-devices',
  /** How long it has run. Milliseconds. */
  uptime: 'imstate-uptime-ms',
} as const;
