import type { BatchingClient } from '../batching/BatchingClient.js';
import type { Channel } from '../connection/channel.js';
import type { BatchGetUsersResponse__Output } from '../generated/imstate/v1/BatchGetUsersResponse.js';
import type { GetUserResponse__Output } from '../generated/imstate/v1/GetUserResponse.js';
import { isTooLarge } from './callErrors.js';
import type { CallOptions, GetUserRequest, GetUsersOptions, UserState } from './messages.js';
import { readUser } from './readDevice.js';
import { requestInBatches } from './userBatches.js';

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
    const responses = await requestInBatches(userIds, (batch) => this.#request(batch, options));
    return responses.flatMap(({ users }) => users.map(readUser));
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
