import { type Logger, pino } from 'pino';
import pretty from 'pino-pretty';

/** A logger that writes to stderr; "auto" is pretty on a terminal and JSON elsewhere. */
export function makeLogger(level: string, format: string): Logger {
  const isPretty = format === 'pretty' || (format === 'auto' && process.stderr.isTTY);
  if (!isPretty) return pino({ level }, pino.destination({ dest: 2, sync: true }));
  const colorize = process.stderr.isTTY && !process.env.NO_COLOR;
  return pino(
    { level },
    pretty({
      ...{ colorize, destination: 2, sync: true, singleLine: true },
      ...{ ignore: 'pid,hostname', translateTime: 'HH:MM:ss' },
    }),
  );
}
