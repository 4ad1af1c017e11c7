import { ImstateError } from 'imstate-client/internal/shared/errors';
import type { Logger } from 'pino';
import { isLogLevel, LOG_LEVELS } from '../observability/logLevels.js';
import type { Exchange, Route } from './routes.js';

const path = '/admin/log-level';

/** The log level, as JSON: `{"level":"info"}`. A change lasts until the daemon stops. */
export function logLevelRoutes(log: Logger): Route[] {
  const route = (method: 'GET' | 'POST', change: (exchange: Exchange) => Promise<void> | void): Route => ({
    method,
    path,
    role: 'admin',
    async handle(exchange) {
      await change(exchange);
      return { level: log.level };
    },
  });
  return [
    route('GET', () => {}),
    route('POST', async (exchange) => {
      const level = await readLevel(exchange);
      if (level !== log.level)
        log.warn({ from: log.level, to: level, caller: exchange.caller?.name }, 'log level changed');
      log.level = level;
    }),
  ];
}

async function readLevel({ body }: Exchange): Promise<string> {
  const level = levelIn(await body());
  if (isLogLevel(level)) return level;
  throw new ImstateError(
    'INVALID_ARGUMENT',
    `the body must be {"level":L}, where L is one of ${LOG_LEVELS.join(', ')}`,
    { field: 'level' },
  );
}

function levelIn(text: string): unknown {
  try {
    return (JSON.parse(text) as { level?: unknown } | null)?.level;
  } catch {
    return undefined;
  }
}
