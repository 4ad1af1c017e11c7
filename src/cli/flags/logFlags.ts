import { Flags } from '@oclif/core';
import { ImstateError } from 'imstate-client/internal/shared/errors';
import type { Logger } from 'pino';
import { LOG_LEVELS } from '../../daemon/observability/logLevels.js';
import { textFlag, underHeading } from './flagTypes.js';

const LOG_FORMATS = ['auto', 'pretty', 'json'] as const;

/** Flags of `serve`: log and traces. */
export const logFlags = underHeading('LOG', {
  'log-level': Flags.option({ options: LOG_LEVELS })({
    description: `least severe level: ${LOG_LEVELS.join(', ')}`,
    helpValue: 'LEVEL',
    env: 'IMSTATE_LOG_LEVEL',
    default: 'info',
  }),
  'log-format': Flags.option({ options: LOG_FORMATS })({
    description: 'auto (by terminal), pretty or json',
    helpValue: 'FORMAT',
    env: 'IMSTATE_LOG_FORMAT',
    default: 'auto',
  }),
  'log-ids': Flags.boolean({
    description: 'log user IDs and device IDs unmasked',
    env: 'IMSTATE_LOG_IDS',
  }),
  'otlp-endpoint': textFlag({
    description: 'OpenTelemetry collector for traces (OTLP/HTTP)',
    env: 'IMSTATE_OTLP_ENDPOINT',
    helpValue: 'URL',
    parse: async (text) => {
      if (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)) return text;
      throw new ImstateError('WRONG_USAGE', '--otlp-endpoint must be a URL such as http://127.0.0.1:4318');
    },
  }),
});

/**
 * Lets SIGUSR2 switch between debug and the level before it, or info if the level was debug from the start.
 * Calls `onChange` with the new level.
 */
export function listenForLogLevel(logger: Logger, onChange: (level: string) => void): void {
  let before = 'info';
  process.on('SIGUSR2', () => {
    const from = logger.level;
    const to = from === 'debug' ? before : 'debug';
    if (from !== 'debug') before = from;
    logger.warn({ from, to }, 'log level changed by SIGUSR2');
    logger.level = to;
    onChange(to);
  });
}
