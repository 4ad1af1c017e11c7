import { Flags } from '@oclif/core';
import { ImstateError } from 'imstate-client/internal/shared/errors';
import type { Logger } from 'pino';
import { LOG_LEVELS } from '../../daemon/observability/logLevels.js';
import { textFlag } from './flags.js';

const LOG_FORMATS = ['auto', 'pretty', 'json'] as const;
const log = { helpGroup: 'LOG' };

/** Flags of `serve`: what it tells of itself. */
export const logFlags = {
  'log-level': Flags.option({ options: LOG_LEVELS })({
    description:
      'least severe level that is logged; debug has a line for each call, and SIGUSR2 turns it on and off',
    env: 'IMSTATE_LOG_LEVEL',
    default: 'info',
    ...log,
  }),
  'log-format': Flags.option({ options: LOG_FORMATS })({
    description: 'logs go to stderr; auto is pretty on a terminal, JSON elsewhere',
    env: 'IMSTATE_LOG_FORMAT',
    default: 'auto',
    ...log,
  }),
  'log-ids': Flags.boolean({
    description: 'show ids of users and devices in the lines of calls as they are, rather than masked',
    env: 'IMSTATE_LOG_IDS',
    ...log,
  }),
  'otlp-endpoint': textFlag({
    description: 'send traces to this collector of OpenTelemetry, by OTLP/HTTP',
    env: 'IMSTATE_OTLP_ENDPOINT',
    helpValue: 'URL',
    ...log,
    parse: async (text) => {
      if (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)) return text;
      throw new ImstateError('WRONG_USAGE', '--otlp-endpoint must be a URL such as http://127.0.0.1:4318');
    },
  }),
};

/** From now on SIGUSR2 turns the level debug on, and back to what it was; where it was debug from the start, to info. */
export function listenForLogLevel(logger: Logger): void {
  let before = 'info';
  process.on('SIGUSR2', () => {
    const from = logger.level;
    const to = from === 'debug' ? before : 'debug';
    if (from !== 'debug') before = from;
    logger.warn({ from, to }, 'the level of the log is changed by SIGUSR2');
    logger.level = to;
  });
}
