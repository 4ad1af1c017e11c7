import { expect, test } from 'vitest';
import { messageFor } from '../../../../src/cli/base/commandNotFound.ts';

const NAMES = [
  'completion',
  'context list',
  'context set',
  'query',
  'serve',
  'servers',
  'sessions',
  'tap',
  'top',
];

test.each([
  ['qeury', '"qeury" is not a command of imstate: did you mean query?'],
  ['servr', '"servr" is not a command of imstate: did you mean serve?'],
  ['context:sot', '"context sot" is not a command of imstate: did you mean context set?'],
  ['tip', '"tip" is not a command of imstate: did you mean tap or top?'],
  ['comp', '"comp" is not a command of imstate: did you mean completion?'],
  ['nothing', '"nothing" is not a command of imstate: imstate --help lists the commands'],
  ['context:lst', '"context lst" is not a command of imstate: did you mean context list?'],
  ['context:nope', '"context nope" is not a command of imstate: imstate context --help lists the commands'],
  ['context:drop', '"context drop" is not a command of imstate: imstate context --help lists the commands'],
  ['sessions:10.0.0.1', 'sessions takes flags and no arguments; --help shows how'],
])('%s names the nearest commands only', (id, message) => {
  expect(messageFor(id, NAMES)).toBe(message);
});
