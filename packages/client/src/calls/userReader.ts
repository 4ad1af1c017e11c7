import type { BatchingClient } from '../batching/BatchingClient.js';
import type { Channel } from '../connection/channel.js';
import type { BatchGetUsersResponse__Output } from '../generated/imstate/v1/BatchGetUsersResponse.js';
import type { GetUserResponse__Output } from '../generated/imstate/v1/GetUserResponse.js';
import { isTooLarge } from './callErrors.js';
import type { CallOptions, GetUserRequest, UserState } from './messages.js';
import { readUser } from './readDevice.js';

/** Users that one BatchGetUsers asks for: so many are answered within milliseconds. */
const MAX_USERS = 500;

/**
 * Reads users. The answers of a batch share one limit of size: where a batch has no room for all that is known of its users, it asks for fewer
 * of them at once, so that metadata is missing only for a user who has too much alone.
 */
export class UserReader {
  readonly #channel: Channel;
  readonly #lane: BatchingClient;

  constructor(channel: Channel, lane: BatchingClient) {
    this.#channel = channel;
    this.#lane = lane;
  }

  /** Travels with the other operations of the client, and alone if it has no room there. */
  async one(
    { userId, deviceId, explain }: GetUserRequest,
    options: CallOptions | undefined,
  ): Promise<UserState> {
    const request = { userId, deviceId: deviceId ?? '', explain: explain ?? false };
    const batched = await this.#lane.submit({ getUser: request }, options, true).catch(unlessTooLarge);
    if (batched?.getUser && !batched.getUser.metadataOmitted) return readUser(batched.getUser);
    const { presenceService } = this.#channel;
    const alone = await this.#channel.callPresence<GetUserResponse__Output>(
      (grpcOptions, done) => presenceService.GetUser(request, grpcOptions, done),
      options,
      true,
    );
    return readUser(alone);
  }

  /** In the order of the ids. */
  async several(userIds: readonly string[], options: CallOptions | undefined): Promise<UserState[]> {
    const batches = Array.from({ length: Math.ceil(userIds.length / MAX_USERS) }, (_, i) =>
      userIds.slice(i * MAX_USERS, (i + 1) * MAX_USERS),
    );
    const answers = await Promise.all(batches.map((batch) => this.#batch(batch, options)));
    return answers.flat();
  }

  async #batch(userIds: string[], options: CallOptions | undefined): Promise<UserState[]> {
    const answer = await this.#ask(userIds, options);
    if (answer) return answer.users.map(readUser);
    const half = Math.ceil(userIds.length / 2);
    return [
      ...(await this.#batch(userIds.slice(0, half), options)),
      ...(await this.#batch(userIds.slice(half), options)),
    ];
  }

  /** Undefined if fewer users at once have more room. */
  async #ask(
    userIds: string[],
    options: CallOptions | undefined,
  ): Promise<BatchGetUsersResponse__Output | undefined> {
    const { presenceService } = this.#channel;
    const asked = this.#channel.callPresence<BatchGetUsersResponse__Output>(
      (grpcOptions, done) => presenceService.BatchGetUsers({ userIds }, grpcOptions, done),
      options,
      true,
    );
    if (userIds.length === 1) return asked;
    const answer = await asked.catch(unlessTooLarge);
    return answer?.users.some(({ metadataOmitted }) => metadataOmitted) ? undefined : answer;
  }
}

function unlessTooLarge(error: unknown): undefined {
  if (!isTooLarge(error)) throw error;
}
