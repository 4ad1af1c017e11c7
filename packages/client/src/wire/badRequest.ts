import protobuf from 'protobufjs/light.js';

/** The metadata in which gRPC carries the details of an error: a google.rpc.Status. */
export const DETAILS_KEY = 'grpc-status-details-bin';

const BAD_REQUEST = 'google.rpc.BadRequest';
/** Google's own prefix for the types of messages in a google.protobuf.Any. */
const TYPE_PREFIX = 'type.googleapis.com/';

/** A field of a request that broke a rule. */
interface FieldViolation {
  field: string;
  /** The rule. */
  description: string;
}

/** The part of google/rpc/status.proto and google/rpc/error_details.proto that is used here. */
const googleRpc = protobuf.Root.fromJSON({
  nested: {
    Any: { fields: { typeUrl: { type: 'string', id: 1 }, value: { type: 'bytes', id: 2 } } },
    Status: {
      fields: {
        code: { type: 'int32', id: 1 },
        message: { type: 'string', id: 2 },
        details: { rule: 'repeated', type: 'Any', id: 3 },
      },
    },
    FieldViolation: { fields: { field: { type: 'string', id: 1 }, description: { type: 'string', id: 2 } } },
    BadRequest: { fields: { fieldViolations: { rule: 'repeated', type: 'FieldViolation', id: 1 } } },
  },
});

/** The google.rpc.Status of an error that is about one field. */
export function encodeBadRequest(code: number, message: string, field: string): Buffer {
  const badRequest = { fieldViolations: [{ field, description: message }] };
  const value = googleRpc.lookupType('BadRequest').encode(badRequest).finish();
  const details = [{ typeUrl: TYPE_PREFIX + BAD_REQUEST, value }];
  return Buffer.from(googleRpc.lookupType('Status').encode({ code, message, details }).finish());
}

/** The field that the details of an error name first; undefined if they name none, or are malformed. */
export function decodeBadRequest(bytes: Uint8Array): string | undefined {
  try {
    const { details } = googleRpc.lookupType('Status').decode(bytes) as unknown as {
      details: { typeUrl: string; value: Uint8Array }[];
    };
    const badRequest = details.find(({ typeUrl }) => typeUrl.endsWith(`/${BAD_REQUEST}`));
    if (badRequest === undefined) return undefined;
    const { fieldViolations } = googleRpc.lookupType('BadRequest').decode(badRequest.value) as unknown as {
      fieldViolations: FieldViolation[];
    };
    return fieldViolations[0]?.field || undefined;
  } catch {
    return undefined;
  }
}
