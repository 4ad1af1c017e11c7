/** Header of a daemon's answers about its health: its version of imstate. */
export const VERSION_HEADER = 'imstate-version';
