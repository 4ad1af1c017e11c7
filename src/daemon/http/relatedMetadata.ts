import type { IncomingMessage } from 'node:http';
import { Metadata } from '@grpc/grpc-js';

/** Headers that relate a request to others. */
const RELATING_HEADERS = ['x-request-id', 'traceparent', 'tracestate'];

const known = new WeakMap<IncomingMessage, Metadata>();

/** What relates a request to others, in the form of gRPC; always the same object for one request. */
export function relatedMetadata(request: IncomingMessage): Metadata {
  const metadata = known.get(request) ?? readMetadata(request);
  known.set(request, metadata);
  return metadata;
}

function readMetadata({ headers }: IncomingMessage): Metadata {
  const metadata = new Metadata();
  // Metadata throws at other bytes, which none of these headers has.
  for (const name of RELATING_HEADERS)
    if (/^[\x20-\x7e]+$/.test(String(headers[name] ?? ''))) metadata.set(name, String(headers[name]));
  return metadata;
}
