import { fileURLToPath } from 'node:url';
import { type GrpcObject, loadPackageDefinition } from '@grpc/grpc-js';
import { loadSync, type PackageDefinition } from '@grpc/proto-loader';
import type { ProtoGrpcType as PresenceTypes } from '../generated/presence.js';
import type { ProtoGrpcType as UserStatusTypes } from '../generated/user_status.js';

/** Both services as loaded from proto/, and as gRPC constructors. */
export interface Protos {
  definition: PackageDefinition;
  types: PresenceTypes & UserStatusTypes;
}

/** Loads proto/; the options are those with which the build made src/generated/. */
export function loadProtos(): Protos {
  const definition = loadSync(['pb/user_status.proto', 'imstate/v1/presence.proto'], {
    includeDirs: [fileURLToPath(new URL('../../proto', import.meta.url))],
    longs: Number,
    defaults: true,
    oneofs: true,
  });
  const types: GrpcObject = loadPackageDefinition(definition);
  return { definition, types: types as unknown as Protos['types'] };
}
