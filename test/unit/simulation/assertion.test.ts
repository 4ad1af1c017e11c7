import { describe, expect, test } from 'vitest';
import { ImstateError } from '../../../packages/client/src/shared/errors.ts';
import { judge, parseAssertions } from '../../../src/simulation/assertion.ts';
import { SimulationResults } from '../../../src/simulation/results.ts';

/** 99 responses after 1 to 99 ms and a failure after 500 ms, within 10 s; one more was missed. */
function tallied() {
  const results = new SimulationResults();
  for (let ms = 1; ms <= 99; ms++) results.answered('online', ms);
  results.failed('online', 500, new ImstateError('UNAVAILABLE', 'away'));
  results.missed('offline', 700);
  return results.figures(10_000);
}

const verdictsOf = (text: string) => parseAssertions(text).map((assertion) => judge(assertion, tallied()));

test.each([
  ['p50<60ms', true],
  ['p50<40ms', false],
  ['p99>=495ms', true],
  ['max<=0.7s', true],
  ['max<700ms', false],
  ['online.max<=500000us', true],
  ['errors==1', true],
  ['errors<1%', true],
  ['online.errors<1%', false],
  ['online.errors<=1%', true],
  ['missed==0', false],
  ['online.missed == 0', true],
  ['rate>=9.9', true],
  ['rate>10/s', false],
  ['all.rate > 9/s', true],
])('%s: %s', (text, holds) => {
  expect(verdictsOf(text)).toMatchObject([{ assertion: text, holds }]);
});

test('evaluates each of several assertions separated by commas', () => {
  expect(verdictsOf('errors==0, p50<60ms').map(({ holds }) => holds)).toEqual([false, true]);
});

test('fails every time assertion about calls that were not made', () => {
  expect(verdictsOf('query.p99<1s,query.max>0ms')).toEqual([
    { assertion: 'query.p99<1s', holds: false, value: undefined },
    { assertion: 'query.max>0ms', holds: false, value: undefined },
  ]);
});

describe('rejects invalid assertions with the rule', () => {
  test.each([
    ['p98<20ms', /--assert "p98<20ms": must be METRIC OP VALUE, such as p99<20ms/],
    ['p99<20', /p99 takes a time with a unit, such as 500us, 20ms or 1s/],
    ['p99<20%', /a time with a unit/],
    ['p99=20ms', /OP is <, <=, >, >= or ==/],
    ['login.p99<20ms', /online\., offline\. or query\./],
    ['errors<5ms', /errors takes a number, such as 0, or a share of the calls, such as 0\.1%/],
    ['rate>5%', /rate takes responses per second/],
    ['p99<20ms,', /--assert "": must be/],
    ['p99<1e3ms', /must be METRIC OP VALUE/],
  ])('%s', (text, message) => {
    expect(() => parseAssertions(text)).toThrowError(
      expect.objectContaining({ code: 'WRONG_USAGE', message: expect.stringMatching(message) }),
    );
  });
});
