import type { Logger } from 'pino';
import { ImstateError } from '../../errors.js';
import { isLogLevel, LOG_LEVELS } from '../observe/logLevels.js';
import { sendJson } from './replies.js';
import type { Exchange, Route } from './routes.js';

const path = '/admin/log-level';

/** The level of the log, as JSON: `{"level":"info"}`. To read it and to change it, until the daemon stops. */
export function logLevelRoutes(log: Logger): Route[] {
  const answer = ({ response }: Exchange) => sendJson(response, 200, { level: log.level });
  return [
    { method: 'GET', path, role: 'admin', handle: answer },
    {
      ...{ method: 'POST', path, role: 'admin' },
      handle: async (exchange) => {
        const level = await readLevel(exchange);
        if (level !== log.level)
          log.warn({ level, caller: exchange.caller?.name }, 'the level of the log is changed');
        log.level = level;
        answer(exchange);
      },
    },
  ];
}

async function readLevel({ request, body }: Exchange): Promise<string> {
  // A page of somebody else can make a browser send anything but JSON without being asked for leave first.
  if (!/^application\/json\s*(;|$)/i.test(request.headers['content-type'] ?? ''))
    throw new ImstateError('INVALID_ARGUMENT', 'content-type must be application/json');
  const level = levelIn(await body());
  if (isLogLevel(level)) return level;
  throw new ImstateError(
    'INVALID_ARGUMENT',
    `the body must be {"level":L}, where L is one of ${LOG_LEVELS.join(', ')}`,
  );
}

function levelIn(text: string): unknown {
  try {
    return (JSON.parse(text) as { level?: unknown } | null)?.level;
  } catch {
    return undefined;
  }
}
