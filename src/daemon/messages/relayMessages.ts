import type { ClaimRelayRequest__Output } from 'imstate-client/internal/generated/imstate/v1/ClaimRelayRequest';
import type { CommitRelayRequest__Output } from 'imstate-client/internal/generated/imstate/v1/CommitRelayRequest';
import type { Relay__Output } from 'imstate-client/internal/generated/imstate/v1/Relay';
import { toDuration } from 'imstate-client/internal/wire/duration';
import { relayStates } from 'imstate-client/internal/wire/enums';
import { fromTimestamp, toTimestamp } from 'imstate-client/internal/wire/timestamp';
import { LIMITS } from '../../presence/limits.js';
import { isClaimed, type Relay, type RelayClaim, type RelayProgress } from '../../presence/relays.js';
import { broken, checkId } from '../../presence/validate.js';

/** Texts of a relay that people read are cut, not rejected: an error of a target may be long. Characters. */
const MAX_TEXT = 500;

/** How far a relay is behind, as {@link toRelay} takes it. */
interface Lag {
  changes: number;
  ms: number;
  isBehindLog: boolean;
}

/** Reads and checks a claim. */
export function readClaim({
  name,
  holderId,
  holder,
  target,
  knownRevision,
}: ClaimRelayRequest__Output): RelayClaim {
  checkId('holder_id', holderId);
  if (target.length > LIMITS.relayTarget.max)
    throw broken('target', `must be at most ${LIMITS.relayTarget.max} characters`);
  return { name, holderId, holder: holder.slice(0, MAX_TEXT), target, knownRevision };
}

/** Reads and checks what a process has delivered. */
export function readProgress(request: CommitRelayRequest__Output): RelayProgress {
  const { name, holderId, fence, revision, delivered, failed, snapshots, lastError, pause, release } =
    request;
  checkId('holder_id', holderId);
  for (const [field, value] of Object.entries({ delivered, failed, snapshots }))
    if (value < 0) throw broken(field, 'must be at least 0');
  return {
    name,
    holderId,
    fence,
    revision,
    deliveredTimeMs: fromTimestamp(request.deliveredTime)?.getTime() ?? 0,
    delivered,
    failed,
    snapshots,
    lastError: lastError.slice(0, MAX_TEXT),
    pauses: pause,
    releases: release,
  };
}

/** A relay at a time of the store. */
export function toRelay(relay: Relay, nowMs: number, lag?: Lag): Relay__Output {
  const { name, target, holder, revision, delivered, failed, snapshots, lastError } = relay;
  return {
    name,
    target,
    state: relayStates.toWire(stateOf(relay, nowMs)),
    holder,
    revision,
    deliveredTime: relay.deliveredTimeMs === 0 ? null : toTimestamp(relay.deliveredTimeMs),
    delivered,
    failed,
    snapshots,
    lastError,
    lagChanges: lag?.changes ?? 0,
    lag: lag ? toDuration(lag.ms) : null,
    isBehindLog: lag?.isBehindLog ?? false,
    createTime: toTimestamp(relay.createdMs),
  };
}

function stateOf(relay: Relay, nowMs: number) {
  if (relay.isPaused) return 'PAUSED';
  return isClaimed(relay, nowMs) ? 'RUNNING' : 'STOPPED';
}
