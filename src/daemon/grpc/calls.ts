import {
  type handleBidiStreamingCall,
  type handleUnaryCall,
  type ServerUnaryCall,
  status,
} from '@grpc/grpc-js';
import { ImstateError } from 'imstate-client/internal/shared/errors';
import type { Logger } from 'pino';
import { ReadsExhausted } from '../../store/reads.js';
import { permitOf } from '../auth/guardedCall.js';
import { callOf } from '../overload/admittedCall.js';
import { AGED } from '../overload/connectionAge.js';
import type { Load } from '../overload/load.js';
import { type Ending, requestReaderOf } from '../overload/requests/requestReader.js';
import { type OpenStream, OpenStreams } from './openStreams.js';
import { Rejection } from './rejection.js';
import { firstOf, makeStreamSink, type StreamSink } from './streamSink.js';

/** A call or stream, as far as the log is concerned. */
type Call = Pick<ServerUnaryCall<unknown, unknown>, 'getPath' | 'getPeer'>;

/** A unary call, as far as its handler is concerned. */
type UnaryCall = Pick<
  ServerUnaryCall<unknown, unknown>,
  'getPath' | 'getPeer' | 'getAuthContext' | 'metadata'
>;

/** Answers a request, or throws. */
type Handle<Request, Response> = (request: Request, call: UnaryCall) => Promise<Response> | Response;

/** Takes the messages of one stream. */
export interface StreamHandler<Request> {
  /** Deals with a message; resolves when that is done. `arrivedAt` is a time of performance.now(). */
  take(request: Request, arrivedAt: number): Promise<void>;
  /** The message is not dealt with: the store has too much to do, or the stream is over. */
  refuse?(request: Request, code: status, arrivedAt: number): void;
  /** Resolves when it can be given the next message; what take() has done no longer counts as work at the store. */
  ready?(): Promise<void>;
  /** How many messages it may be given at the same time: one unless it says so. */
  readonly atOnce?: number;
  /** True if a daemon that stops deals with the messages it has taken, and then ends the stream with OK; it fails otherwise. */
  readonly endsWell?: boolean;
  /** Resolves when the stream may end and its caller loses nothing by that; at any time unless it says so. */
  canEnd?(): Promise<void>;
  /** The stream is over. */
  close?(): void;
  /** Nothing of the stream is left at the network: its caller has everything, or is gone. */
  gone?(): void;
  /** True if the stream goes on when the caller has nothing more to say. */
  readonly outlivesRequests?: boolean;
}

/** What a request, or a message of a stream, asks of the store. */
export interface Cost<Request> {
  /** In operations; 1 unless it says otherwise. */
  weigh?(request: Request): number;
  /** True if sessions end when it is refused: it is the last to be. */
  readonly isVital?: boolean;
}

/** The calls of a daemon: how each is answered, and how many are in flight. */
export class Calls {
  readonly #log: Logger;
  readonly #load: Load;
  readonly #streams = new OpenStreams();
  #inFlight = 0;

  constructor(log: Logger, load: Load) {
    this.#log = log;
    this.#load = load;
  }

  /** Calls and messages of streams that have been taken and not been answered. */
  get inFlight(): number {
    return this.#inFlight;
  }

  /**
   * Makes a gRPC handler of a function that returns what to answer, or throws: an error of imstate is answered with
   * its status, any other as a fault to be looked up in the log. While the store has too much to do it is not called.
   */
  handler<Request, Response>(
    handle: Handle<Request, Response>,
    { weigh, isVital }: Cost<Request> = {},
  ): handleUnaryCall<Request, Response> {
    return (call, callback) => {
      // grpc-js would let a handler that is quick enough answer a call whose time is over.
      if (Date.now() >= Number(call.getDeadline())) {
        callback({ code: status.DEADLINE_EXCEEDED, details: 'the deadline was over when the call arrived' });
        return;
      }
      const weight = weigh?.(call.request) ?? 1;
      if (!this.#load.begin(weight, isVital)) {
        callback(this.#load.refuseOperations());
        return;
      }
      this.#inFlight += 1;
      const reader = requestReaderOf(call.metadata)?.releasedByHandler();
      reader?.beginMessage();
      const end = () => {
        this.#inFlight -= 1;
        reader?.endMessage();
        this.#load.end(weight);
      };
      settle(handle, call).then(
        (response) => {
          end();
          callback(null, response);
        },
        (error) => {
          end();
          callback(this.#toStatus(error, call));
        },
      );
    };
  }

  /**
   * Makes a gRPC handler of a stream. `begin` makes for each stream what takes its messages, in their order; when that
   * throws, the stream ends with its error. While the store has too much to do a message waits for its turn; if that takes too long,
   * what came before is answered, and then the stream ends as one that was not taken up from there on.
   */
  streamHandler<Request, Response>(
    begin: (link: StreamSink<Response>) => StreamHandler<Request>,
    { weigh, isVital }: Cost<Request> = {},
  ): handleBidiStreamingCall<Request, Response> {
    return (stream) => {
      let inFlight = 0;
      let isEnding = false;
      let refusal: Ending | undefined;
      let lastWord: ImstateError | undefined;
      const end = (finish: () => void) => {
        if (!this.#streams.delete(open)) return;
        handler.close?.();
        finish();
      };
      const fail = (error: unknown) =>
        end(() => {
          stream.emit('error', this.#toStatus(error, stream));
          callOf(stream.metadata)?.expectTaken();
        });
      /** Takes no further message; once those under way are dealt with, the stream ends, with OK or with an error. */
      const endWell = (error?: ImstateError) => {
        isEnding = true;
        lastWord ??= error;
        if (inFlight > 0) return;
        end(() => {
          // The last answers are under way until the caller has taken them.
          this.#inFlight += 1;
          void firstOf(stream, ['finish', 'cancelled', 'close']).then(() => {
            this.#inFlight -= 1;
          });
          if (refusal) stream.emit('error', refusal);
          else if (lastWord) stream.emit('error', this.#toStatus(lastWord, stream));
          else stream.end();
          callOf(stream.metadata)?.expectTaken();
        });
      };
      /** Answers what was taken, and ends the stream so that its caller continues on another connection. */
      const retire = async () => {
        await handler.canEnd?.();
        if (!handler.endsWell) refusal ??= AGED;
        endWell();
      };
      /** Deals with a message in its turn, unless the stream is over by then, or one before it was not taken up. */
      const take = async (request: Request, arrivedAt: number) => {
        const weight = isVital ? 0 : (weigh?.(request) ?? 1);
        const room = isVital || this.#load.beginInTurn(weight);
        if (room !== true && !(await room)) {
          refusal ??= this.#load.refuseOperations();
          isEnding = true;
          handler.refuse?.(request, refusal.code, arrivedAt);
          return;
        }
        try {
          if (refusal !== undefined) handler.refuse?.(request, refusal.code, arrivedAt);
          else if (!this.#streams.has(open)) handler.refuse?.(request, status.CANCELLED, arrivedAt);
          else await handler.take(request, arrivedAt);
        } finally {
          this.#load.end(weight);
        }
        // Not before the store is done with it: a caller that does not read must not take up its room.
        await handler.ready?.();
        if (!handler.outlivesRequests) await link.drained();
      };
      const permit = permitOf(stream.metadata);
      const reader = requestReaderOf(stream.metadata)?.releasedByHandler((ending) => {
        refusal ??= ending;
        endWell();
      });
      const statusOf = (error: unknown) => this.#toStatus(error, stream);
      const link = makeStreamSink<Request, Response>(stream, permit, fail, statusOf);
      const handler = begin(link);
      // What was taken before its credential was good no longer is answered still.
      if (permit) permit.end = handler.endsWell ? endWell : fail;
      const open: OpenStream = { stop: () => (handler.endsWell ? endWell() : fail(stopping())), retire };
      this.#streams.add(open, callOf(stream.metadata)?.connection ?? stream);
      stream.on('data', (request: Request) => {
        reader?.beginMessage();
        if (isEnding || !this.#streams.has(open)) {
          reader?.endMessage();
          return;
        }
        inFlight += 1;
        this.#inFlight += 1;
        if (inFlight >= (handler.atOnce ?? 1)) stream.pause();
        take(request, performance.now())
          .catch(fail)
          .finally(() => {
            inFlight -= 1;
            reader?.endMessage();
            this.#inFlight -= 1;
            if (isEnding) endWell();
            else stream.resume();
          });
      });
      stream.on('end', () => {
        if (!handler.outlivesRequests) endWell();
      });
      stream.on('cancelled', () => {
        end(() => {});
        handler.gone?.();
      });
    };
  }

  /** Ends the streams that callers keep open, so that they go on with another daemon. */
  endStreams(): void {
    this.#streams.stopAll();
  }

  /** Ends the streams of a connection that has reached its age, each as soon as its caller loses nothing by that. */
  endStreamsOf(connection: object): void {
    this.#streams.retire(connection);
  }

  #toStatus(error: unknown, call: Call): Ending {
    // Of what only reads, nothing was done that a repeat would do twice.
    if (error instanceof ReadsExhausted) return this.#load.refuse(error.reason);
    if (error instanceof ImstateError) {
      this.#log.debug({ method: call.getPath(), peer: call.getPeer(), code: error.code }, error.message);
      return new Rejection(error);
    }
    this.#log.error(
      { method: call.getPath(), code: 'INTERNAL', err: error },
      'a call failed by a fault of imstate',
    );
    return { code: status.INTERNAL, details: 'internal fault; the log of the daemon has the details' };
  }
}

function stopping(): ImstateError {
  return new ImstateError('UNAVAILABLE', 'the daemon is stopping: go on with another one');
}

/** What the function returns or throws, as a promise. */
async function settle<Request, Response>(
  handle: Handle<Request, Response>,
  call: ServerUnaryCall<Request, Response>,
): Promise<Response> {
  return handle(call.request, call);
}
