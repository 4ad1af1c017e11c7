/** Headers of the health responses of a daemon. */
export const HEALTH_HEADERS = {
  /** Its version of imstate. */
  version: 'imstate-version',
  /** Its --max-devices: daemons of one store should agree. */
  maxDevices: 'imstate-max-devices',
  /** How long it has run. Milliseconds. */
  uptime: 'imstate-uptime-ms',
  /** The feature levels of a store that it supports, such as 1-2. Version 0.1.0 sends none, and supports 1. */
  featureLevels: 'imstate-feature-levels',
} as const;
