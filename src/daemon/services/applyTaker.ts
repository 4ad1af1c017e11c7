import type { ApplyRequest__Output } from '../../generated/imstate/v1/ApplyRequest.js';
import type { ApplyResponse } from '../../generated/imstate/v1/ApplyResponse.js';
import type { Operation__Output } from '../../generated/imstate/v1/Operation.js';
import type { OperationResult } from '../../generated/imstate/v1/OperationResult.js';
import type { Presence } from '../presence.js';
import { broken } from '../validate.js';
import type { Link, StreamTaker } from './calls.js';
import { getUser, heartbeat, offline, online } from './operations.js';
import { readSession } from './requests.js';

const MOST_OPERATIONS = 1_000;
/** Batches of a stream that are carried out at the same time: one is read while another is at the store. */
const BATCHES_AT_ONCE = 4;

/** Takes the batches of one Apply. The store keeps the order of a user's operations; the answers wait for each other. */
export function applyTaker(presence: Presence, link: Link<ApplyResponse>): StreamTaker<ApplyRequest__Output> {
  let before = Promise.resolve();
  const carryOut = async (operations: Operation__Output[], answered: Promise<void>) => {
    // Begun before anything is waited for, so that batches begin in their order.
    const begun = hasRightSize(operations)
      ? operations.map((operation) => resultOf(presence, operation, link))
      : undefined;
    await answered;
    if (begun === undefined) throw wrongSize(operations.length);
    // One after the other: none rejects, and Promise.all() would make two promises of each.
    const results: OperationResult[] = [];
    for (const result of begun) results.push(await result);
    if (!link.write({ results })) await link.drained();
  };
  return {
    atOnce: BATCHES_AT_ONCE,
    endsWell: true,
    take({ operations }) {
      const taken = carryOut(operations, before);
      // Whoever comes after a failure is not answered: the stream has ended.
      before = taken;
      return taken;
    },
  };
}

function hasRightSize({ length }: Operation__Output[]): boolean {
  return length >= 1 && length <= MOST_OPERATIONS;
}

function wrongSize(length: number) {
  return broken('operations', `must be 1 to 1,000; these are ${length}: send several batches`);
}

/** Never rejects. */
function resultOf(
  presence: Presence,
  operation: Operation__Output,
  link: Link<ApplyResponse>,
): Promise<OperationResult> {
  const fail = (error: unknown): OperationResult => {
    const { code, details } = link.statusOf(error);
    return { error: { code, message: details } };
  };
  const { online: login, offline: logout, heartbeat: session, getUser: read } = operation;
  try {
    link.permit?.checkOperation(operation);
    if (login) return online(presence, login, (online) => ({ online }), fail);
    if (logout) return offline(presence, logout, (offline) => ({ offline }), fail);
    if (session) {
      const sessions = [readSession('heartbeat', session)];
      return heartbeat(presence, sessions, (heartbeat) => ({ heartbeat }), fail);
    }
    if (read) return getUser(presence, read, (getUser) => ({ getUser }), fail);
    throw broken('operation', 'must be given: online, offline, heartbeat or get_user');
  } catch (error) {
    return Promise.resolve(fail(error));
  }
}
