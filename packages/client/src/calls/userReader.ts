import type { BatchingClient } from '../batching/BatchingClient.js';
import type { Channel } from '../connection/channel.js';
import type { BatchGetUsersResponse__Output } from '../generated/imstate/v1/BatchGetUsersResponse.js';
import type { GetUserResponse__Output } from '../generated/imstate/v1/GetUserResponse.js';
import { isTooLarge } from './callErrors.js';
import type { CallOptions, GetUserRequest, GetUsersOptions, UserState } from './messages.js';
import { readUser } from './readDevice.js';

/** Maximum users of one BatchGetUsers: a daemon answers this many within milliseconds. */
const MAX_USERS = 500;

/**
 * Reads users. A response has a maximum size: if it has no room for all metadata, the reader requests fewer
 * users at once, so that metadata is missing only for a user who has too much alone.
 */
export class UserReader {
  readonly #channel: Channel;
  readonly #batching: BatchingClient;

  constructor(channel: Channel, batching: BatchingClient) {
    this.#channel = channel;
    this.#batching = batching;
  }

  /**
   * Reads a user in a batch of operations; in a call of its own if the batch has no room for the response.
   */
  async one(
    { userId, deviceId, explain = false, includeLastSeen = false }: GetUserRequest,
    options: CallOptions | undefined,
  ): Promise<UserState> {
    const request = { userId, deviceId: deviceId ?? '', explain, includeLastSeen };
    const batched = await this.#batching.submit({ getUser: request }, options, true).catch(unlessTooLarge);
    if (batched?.getUser && !batched.getUser.metadataOmitted) return readUser(batched.getUser);
    const { presenceService } = this.#channel;
    const alone = await this.#channel.callPresence<GetUserResponse__Output>(
      (grpcOptions, done) => presenceService.GetUser(request, grpcOptions, done),
      options,
      true,
    );
    return readUser(alone);
  }

  /** Reads users in the order of the IDs. */
  async several(userIds: readonly string[], options: GetUsersOptions | undefined): Promise<UserState[]> {
    const batches = Array.from({ length: Math.ceil(userIds.length / MAX_USERS) }, (_, i) =>
      userIds.slice(i * MAX_USERS, (i + 1) * MAX_USERS),
    );
    const answers = await Promise.all(batches.map((batch) => this.#batch(batch, options)));
    return answers.flat();
  }

  async #batch(userIds: string[], options: GetUsersOptions | undefined): Promise<UserState[]> {
    const answer = await this.#request(userIds, options);
    if (answer) return answer.users.map(readUser);
    const half = Math.ceil(userIds.length / 2);
    return [
      ...(await this.#batch(userIds.slice(0, half), options)),
      ...(await this.#batch(userIds.slice(half), options)),
    ];
  }

  /** Undefined if a request for fewer users has room for more. */
  async #request(
    userIds: string[],
    options: GetUsersOptions | undefined,
  ): Promise<BatchGetUsersResponse__Output | undefined> {
    const { presenceService } = this.#channel;
    const request = { userIds, includeLastSeen: options?.includeLastSeen ?? false };
    const call = this.#channel.callPresence<BatchGetUsersResponse__Output>(
      (grpcOptions, done) => presenceService.BatchGetUsers(request, grpcOptions, done),
      options,
      true,
    );
    if (userIds.length === 1) return call;
    const answer = await call.catch(unlessTooLarge);
    return answer?.users.some(({ metadataOmitted }) => metadataOmitted) ? undefined : answer;
  }
}

function unlessTooLarge(error: unknown): undefined {
  if (!isTooLarge(error)) throw error;
}
