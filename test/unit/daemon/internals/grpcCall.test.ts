import type { ServerInterceptingCallInterface } from '@grpc/grpc-js';
import { expect, test, vi } from 'vitest';
import {
  countSentMessage,
  encodingOf,
  hasCallFields,
  hasStatus,
  replaceDecoder,
  streamOf,
} from '../../../../src/daemon/internals/grpcCall.ts';

const callWith = (fields: object) => fields as unknown as ServerInterceptingCallInterface;

/** The fields of a call in grpc-js 1.14. */
function fields() {
  return {
    stream: { close: () => {}, write: () => true },
    wantTrailers: false,
    callEventTracker: { addMessageSent: vi.fn() } as { addMessageSent(): void } | null,
    decoder: { write: () => [] as Buffer[] },
    incomingEncoding: 'gzip',
  };
}

test('reads the fields of a call, and replaces its decoder', () => {
  const own = fields();
  const call = callWith(own);
  expect(hasCallFields(call)).toBe(true);
  expect(streamOf(call)).toBe(own.stream);
  expect(encodingOf(call)).toBe('gzip');
  expect(hasStatus(call)).toBe(false);
  own.wantTrailers = true;
  expect(hasStatus(call)).toBe(true);
  countSentMessage(call);
  expect(own.callEventTracker?.addMessageSent).toHaveBeenCalledOnce();
  const decoder = { write: () => [] };
  expect(replaceDecoder(call, decoder)).toBe(true);
  expect(own.decoder).toBe(decoder);
});

test('accepts a call without channelz', () => {
  expect(hasCallFields(callWith({ ...fields(), callEventTracker: null }))).toBe(true);
});

test.each(Object.keys(fields()))('rejects a call without %s', (name) => {
  expect(hasCallFields(callWith({ ...fields(), [name]: undefined }))).toBe(false);
});

test('leaves a call without any of the fields unchanged', () => {
  const own = { decoder: 'another kind' };
  const call = callWith(own);
  expect([streamOf(call), encodingOf(call), hasStatus(call)]).toEqual([undefined, undefined, false]);
  expect(() => countSentMessage(call)).not.toThrow();
  expect(replaceDecoder(call, { write: () => [] })).toBe(false);
  expect(own).toEqual({ decoder: 'another kind' });
});
