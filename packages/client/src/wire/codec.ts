import { isUtf8 } from 'node:buffer';
import type { ServiceDefinition, UntypedServiceImplementation } from '@grpc/grpc-js';
import protobuf from 'protobufjs/light.js';
import { FramedMessage } from './framedMessage.js';
import { loadRoot } from './protos.js';
import { MessageWriter } from './writer.js';

/**
 * Reads strings as proto3 requires: invalid UTF-8 and truncated strings are errors, where protobufjs
 * substitutes U+FFFD or accepts the rest. Otherwise two different broken IDs could become the same user.
 * 64-bit numbers become numbers: all in proto/ are below 2^53.
 */
class StrictReader extends protobuf.BufferReader {
  override string(): string {
    const length = this.uint32();
    const start = this.pos;
    const end = start + length;
    if (end > this.len) throw new RangeError('a string field is cut off');
    this.pos = end;
    const buffer = this.buf as Buffer;
    for (let i = start; i < end; i++) {
      if ((buffer[i] as number) < 0x80) continue;
      if (!isUtf8(buffer.subarray(start, end))) throw new Error('a string field is not valid UTF-8');
      return buffer.toString('utf8', start, end);
    }
    return this.ascii(buffer, start, end);
  }

  protected ascii(buffer: Buffer, start: number, end: number): string {
    return buffer.toString('latin1', start, end);
  }

  /** Declared as in protobufjs; only the generated decoders see the result. */
  override int64(): protobuf.Long {
    const { high, low } = super.int64();
    return (high * 2 ** 32 + (low >>> 0)) as unknown as protobuf.Long;
  }
}

/**
 * Takes each string as a slice of one string of the whole message, which is several times as fast. A slice
 * keeps the whole message in memory, so this is for messages that are not kept, or are kept whole.
 */
class PassingReader extends StrictReader {
  #message: string | undefined;

  protected override ascii(buffer: Buffer, start: number, end: number): string {
    this.#message ??= buffer.toString('latin1');
    return this.#message.substring(start, end);
  }
}

/**
 * Encodes and decodes the messages of proto/ without the conversions of proto-loader, which take longer than
 * that.
 */
export class Codec {
  readonly #root = loadRoot();
  readonly #out = new MessageWriter();

  readonly #prepared = new Set<protobuf.Type>();

  /** Decodes a message, with defaults for absent fields; enums are numbers. Throws if it is malformed. */
  reader<Message>(name: string, Reader = StrictReader): (bytes: Buffer) => Message {
    const type = this.#root.lookupType(name);
    this.#prepare(type);
    return (bytes) => type.decode(new Reader(bytes)) as Message;
  }

  /** Encodes a message; enums are numbers. */
  writer<Message extends object>(name: string): (message: Message) => Buffer {
    const type = this.#root.lookupType(name);
    return (message) => this.#out.write(type, message);
  }

  /**
   * The service as a daemon serves it; grpc-js answers malformed requests with INTERNAL (13). `keeping` names
   * the methods whose handlers keep strings beyond the call: these strings are copies, and keep nothing else
   * in memory.
   */
  serve<T extends ServiceDefinition<UntypedServiceImplementation>>(
    service: T,
    keeping: readonly string[] = [],
  ): T {
    return mapMethods(service, (method, name) => {
      const { requestType, responseType } = this.#methodOf(method.path);
      return {
        ...method,
        requestDeserialize: this.reader(requestType, keeping.includes(name) ? StrictReader : PassingReader),
        responseSerialize: this.#responseWriter(responseType),
      };
    });
  }

  /** The service as a client calls it, with this codec for the named methods. */
  call<T extends ServiceDefinition<UntypedServiceImplementation>>(service: T, names: string[]): T {
    return mapMethods(service, (method, name) => {
      if (!names.includes(name)) return method;
      const { requestType, responseType } = this.#methodOf(method.path);
      return {
        ...method,
        requestSerialize: this.writer(requestType),
        responseDeserialize: this.reader(responseType),
      };
    });
  }

  #responseWriter(name: string): (response: object) => Buffer {
    const write = this.writer(name);
    return (response) => (response instanceof FramedMessage ? response.body : write(response));
  }

  /** Makes absent 64-bit numbers 0, rather than an object, in this message and the messages within it. */
  #prepare(type: protobuf.Type): void {
    if (this.#prepared.has(type)) return;
    this.#prepared.add(type);
    for (const { type: kind, name, resolvedType } of type.fieldsArray) {
      if (kind === 'int64') Object.assign(type.ctor.prototype, { [name]: 0 });
      if (resolvedType instanceof protobuf.Type) this.#prepare(resolvedType);
    }
  }

  #methodOf(path: string): { requestType: string; responseType: string } {
    const [, serviceName, methodName] = path.split('/') as [string, string, string];
    const service = this.#root.lookupService(serviceName);
    const { resolvedRequestType, resolvedResponseType } = service.methods[methodName] as protobuf.Method;
    return {
      requestType: resolvedRequestType?.fullName as string,
      responseType: resolvedResponseType?.fullName as string,
    };
  }
}

let codec: Codec | undefined;

/** The codec of this process, created at first use. */
export function loadCodec(): Codec {
  codec ??= new Codec();
  return codec;
}

type Method = ServiceDefinition<UntypedServiceImplementation>[string];

function mapMethods<T extends ServiceDefinition<UntypedServiceImplementation>>(
  service: T,
  map: (method: Method, name: string) => Method,
): T {
  return Object.fromEntries(Object.entries(service).map(([name, method]) => [name, map(method, name)])) as T;
}
