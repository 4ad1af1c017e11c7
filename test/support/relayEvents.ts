import { randomUUID } from 'node:crypto';
import { CloudEvent } from 'cloudevents';
import type { RelayEvent, RelayTarget } from '../../src/relay/target.ts';
import { disposables } from './disposables.ts';

/** An event of a user with a number as its data; of no user if that is undefined. */
export function relayEvent(subject: string | undefined, number: number): RelayEvent {
  return new CloudEvent({
    id: randomUUID(),
    source: 'urn:uuid:00000000-0000-4000-8000-000000000000',
    type: number % 2 === 0 ? 'presence.session.started' : 'presence.session.ended',
    ...(subject !== undefined && { subject }),
    time: '2026-11-23T08:00:00.000Z',
    datacontenttype: 'application/json',
    data: { number },
  });
}

/** Numbered events, of these users in turn. */
export function relayEvents(count: number, users = ['alice']): RelayEvent[] {
  return Array.from({ length: count }, (_, i) => relayEvent(users[i % users.length], i));
}

/** Delivers once. */
export function deliver(target: RelayTarget, events: readonly RelayEvent[]): Promise<void> {
  return target.deliver(events, 'delivery-1', new AbortController().signal);
}

/** The target until the end of the test. */
export async function targetUntilTheEnd(opening: Promise<RelayTarget>): Promise<RelayTarget> {
  const target = await opening;
  disposables.push(() => target.close());
  return target;
}

/** Why a delivery, or opening a target, fails. */
export async function failureOf(attempt: Promise<unknown>): Promise<Error> {
  return attempt.then(
    () => {
      throw new Error('it did not fail');
    },
    (error) => error,
  );
}
