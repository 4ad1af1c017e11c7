/** Log levels, the least severe first. */
export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;

export type LogLevel = (typeof LOG_LEVELS)[number];

/** True if a text is the name of a level. */
export function isLogLevel(text: unknown): text is LogLevel {
  return LOG_LEVELS.includes(text as LogLevel);
}
