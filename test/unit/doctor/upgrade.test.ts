import { expect, test } from 'vitest';
import { describeInTheWay, upgradeState } from '../../../src/doctor/upgrade.ts';

const old = { addr: 'a:1', health: 'SERVING', latencyMs: 1, version: '0.1.0' } as const;
const upgraded = { ...old, addr: 'b:1', version: '0.2.0', featureLevels: { min: 1, max: 2 } };
const silent = { addr: 'c:1', health: 'UNREACHABLE', latencyMs: undefined } as const;
const legacy = { addr: 'd:1', health: 'UNKNOWN', latencyMs: 1 } as const;

test('names the daemons that are older or do not answer', () => {
  const state = upgradeState([old, upgraded, silent, legacy]);
  expect(state).toMatchObject({ newest: 2, upgraded: ['b:1'] });
  expect(describeInTheWay(state)).toBe(
    'a:1 is imstate 0.1.0, which supports feature levels up to 1; c:1 does not answer',
  );
});

test('finds nothing in the way of daemons that all support the newest level', () => {
  expect(upgradeState([upgraded, { ...upgraded, health: 'NOT_SERVING' }, legacy])).toMatchObject({
    newest: 2,
    inTheWay: [],
  });
});

test('compares with the highest level that any daemon supports', () => {
  const later = { ...upgraded, addr: 'e:1', featureLevels: { min: 2, max: 3 } };
  const state = upgradeState([upgraded, later]);
  expect(state).toMatchObject({ newest: 3, upgraded: ['e:1'] });
  expect(describeInTheWay(state)).toBe('b:1 is imstate 0.2.0, which supports feature levels up to 2');
});

test('knows no level if no daemon publishes any', () => {
  expect(upgradeState([old])).toMatchObject({ newest: undefined, upgraded: [], inTheWay: [{ addr: 'a:1' }] });
  expect(upgradeState([])).toEqual({ newest: undefined, upgraded: [], inTheWay: [] });
});
