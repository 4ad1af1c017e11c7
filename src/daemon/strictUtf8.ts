import { isUtf8 } from 'node:buffer';
import type { ServiceDefinition, UntypedServiceImplementation } from '@grpc/grpc-js';
import protobuf from 'protobufjs';

/**
 * Reads strings as proto3 demands: bytes that are no UTF-8 are an error, where protobufjs puts U+FFFD in their
 * place. Two different broken ids would otherwise become the same user. A string that is cut off is an error as well,
 * where protobufjs takes what there is.
 */
class StrictReader extends protobuf.BufferReader {
  override string(): string {
    const bytes = this.bytes() as Buffer;
    if (!isUtf8(bytes)) throw new Error('a string field is not valid UTF-8');
    return bytes.toString('utf8');
  }
}

/**
 * The service with requests that are read strictly; grpc-js answers INTERNAL (13) to those that break it. proto-loader
 * hands what it is given to protobufjs, which takes a reader as well as bytes; test/daemon/wire.test.ts would tell
 * if that changed.
 */
export function withStrictUtf8<T extends ServiceDefinition<UntypedServiceImplementation>>(service: T): T {
  const methods = Object.entries(service).map(([name, method]) => {
    const read = method.requestDeserialize as unknown as (reader: protobuf.Reader) => unknown;
    return [name, { ...method, requestDeserialize: (bytes: Buffer) => read(new StrictReader(bytes)) }];
  });
  return Object.fromEntries(methods);
}
