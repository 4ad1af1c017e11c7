/** The client of imstate; the same as the package `imstate-client`, which installs without the daemon. */
export * from 'imstate-client';
