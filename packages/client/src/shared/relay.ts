/** What a relay does. */
export type RelayState = 'STOPPED' | 'RUNNING' | 'PAUSED';
