import { expect, test } from 'vitest';
import { windowsOf } from '../../../src/relay/targets/windows.ts';
import { relayEvent } from '../../support/relayEvents.ts';

/** The windows of events of these users; "-" is an event without a user. */
function windows(users: string): string[] {
  const events = [...users].map((user, i) => relayEvent(user === '-' ? undefined : user, i));
  const split = windowsOf(events);
  expect(new Set(split.flat())).toEqual(new Set(events));
  for (const user of new Set(users)) {
    const ofUser = (each: { subject?: string | undefined }) => (each.subject ?? '-') === user;
    expect(split.flat().filter(ofUser)).toEqual(events.filter(ofUser));
  }
  return split.map((each) => each.map(({ subject = '-' }) => subject).join(''));
}

test('events of different users share a window', () => {
  expect(windows('abc')).toEqual(['abc']);
});

test('a window has one event of each user', () => {
  expect(windows('aabbca')).toEqual(['abc', 'ab', 'a']);
});

test('an event without a user is after all earlier events and before all later ones', () => {
  expect(windows('aab-ba-')).toEqual(['ab', 'a', '-', 'ba', '-']);
});

test('no events have no window', () => {
  expect(windows('')).toEqual([]);
});
