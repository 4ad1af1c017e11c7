import { format as formatArguments } from 'node:util';
import { type Logger, pino } from 'pino';
import { prettyFactory } from 'pino-pretty';
import { NonBlockingOutput } from './nonBlockingOutput.js';
import { printableLines, withEscapes } from './printable.js';

/** A logger, and the number of lines that it dropped. */
export interface Logging {
  log: Logger;
  /** Lines dropped since the start, because nobody read them. */
  droppedLines(): number;
}

/**
 * A logger that writes to stderr and never waits for its reader; "auto" is pretty on a terminal and JSON
 * elsewhere.
 */
export function makeLogger(level: string, format: string): Logging {
  const isPretty = format === 'pretty' || (format === 'auto' && process.stderr.isTTY);
  const output = new NonBlockingOutput(process.stderr, (lines) => {
    // At any log level: lost lines are worth a warning.
    log.child({}, { level: 'warn' }).warn({ dropped: lines }, 'nobody read the log: lines were dropped');
  });
  const prettify = isPretty ? makePretty() : withEscapes;
  const log = pino({ level }, { write: (line: string) => output.write(prettify(line)) });
  return { log, droppedLines: () => output.dropped };
}

function makePretty(): (line: string) => string {
  const colorize = process.stderr.isTTY && !process.env.NO_COLOR;
  const prettify = prettyFactory({
    colorize,
    singleLine: true,
    ignore: 'pid,hostname',
    translateTime: 'HH:MM:ss',
  });
  return (line) => printableLines(prettify(keepEscapes(line)), colorize === true);
}

/**
 * A JSON line in which escaped control characters stay escaped when it is parsed: they may come from outside.
 */
function keepEscapes(line: string): string {
  return line.replace(/\\(?:u[0-9a-f]{4}|.)/gi, (found) => (found[1] === 'u' ? `\\${found}` : found));
}

const CONSOLE = ['debug', 'error', 'info', 'log', 'trace', 'warn'] as const;

/**
 * Redirects to the log what Node.js and libraries would print, which would wait for a reader: warnings, calls
 * of `console`, and the error that ends the process. Returns a function that undoes this.
 */
export function captureOutput(log: Logger): () => void {
  const printers = CONSOLE.map((method) => console[method]);
  const warners = process.listeners('warning');
  const onWarning = (err: Error) => log.warn({ err }, 'warning of Node.js');
  const onCrash = (err: Error) => {
    log.fatal({ err }, 'uncaught exception: the daemon ends');
    process.exit(1);
  };
  process.removeAllListeners('warning').on('warning', onWarning).on('uncaughtException', onCrash);
  for (const method of CONSOLE) {
    console[method] = (...args) => log.warn({ text: formatArguments(...args) }, 'printed by a library');
  }
  return () => {
    CONSOLE.forEach((method, i) => {
      console[method] = printers[i] as (typeof console)['log'];
    });
    process.off('uncaughtException', onCrash).off('warning', onWarning);
    for (const listener of warners) process.on('warning', listener);
  };
}
