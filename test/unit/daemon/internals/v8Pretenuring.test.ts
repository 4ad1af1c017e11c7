import { expect, test, vi } from 'vitest';
import { isTestedNode, TESTED_NODE_MAJORS } from '../../../../src/daemon/internals/testedNode.ts';
import { disablePretenuring } from '../../../../src/daemon/internals/v8Pretenuring.ts';

test('sets the flag only on tested versions of Node.js', () => {
  const setFlags = vi.fn();
  expect(disablePretenuring(false, setFlags)).toBe(false);
  expect(setFlags).not.toHaveBeenCalled();
  expect(disablePretenuring(true, setFlags)).toBe(true);
  expect(setFlags).toHaveBeenCalledExactlyOnceWith('--no-allocation-site-pretenuring');
});

test('tests the versions that package.json names', () => {
  expect(TESTED_NODE_MAJORS).toEqual([20, 22, 24]);
  expect(['20.20.2', '22.0.0', '24.22.3', '21.7.0', '26.1.0'].map((each) => isTestedNode(each))).toEqual([
    ...[true, true, true],
    ...[false, false],
  ]);
  expect(isTestedNode()).toBe(true);
});
