import {
  type GrpcObject,
  loadPackageDefinition,
  type MethodDefinition,
  type ServiceDefinition,
} from '@grpc/grpc-js';
import protobuf from 'protobufjs/light.js';
import type { ProtoGrpcType as PresenceTypes } from '../generated/presence.js';
import { protos } from '../generated/protos.js';
import type { ProtoGrpcType as UserStatusTypes } from '../generated/user_status.js';

/** The services of proto/. */
export interface Protos {
  /** Both services, as gRPC constructors. */
  types: PresenceTypes & UserStatusTypes;
}

let root: protobuf.Namespace | undefined;

/** The messages and services that the build has read from proto/. */
export function loadRoot(): protobuf.Namespace {
  root ??= protobuf.Root.fromJSON(protos).resolveAll();
  return root;
}

/**
 * The conversions of messages, with the options with which the build generates
 * packages/client/src/generated/.
 */
const CONVERSION = { longs: Number, defaults: true, oneofs: true };

/**
 * The services, with plain objects as messages. They equal those of @grpc/proto-loader, without the
 * descriptors of each message, which only reflection needs (see definition.ts) and which take longer to build
 * than a query.
 */
export function loadProtos(): Protos {
  const services = servicesIn(loadRoot()).map((service) => [service.fullName.slice(1), methodsOf(service)]);
  const types: GrpcObject = loadPackageDefinition(Object.fromEntries(services));
  return { types: types as unknown as Protos['types'] };
}

function servicesIn(namespace: protobuf.NamespaceBase): protobuf.Service[] {
  return namespace.nestedArray.flatMap((object) => {
    if (object instanceof protobuf.Service) return [object];
    return object instanceof protobuf.Namespace ? servicesIn(object) : [];
  });
}

function methodsOf(service: protobuf.Service): ServiceDefinition {
  const path = `/${service.fullName.slice(1)}`;
  return Object.fromEntries(
    service.methodsArray.map((method) => [method.name, methodDefinition(path, method)]),
  );
}

function methodDefinition(path: string, method: protobuf.Method): MethodDefinition<object, object> {
  const request = codec(method.resolvedRequestType as protobuf.Type);
  const response = codec(method.resolvedResponseType as protobuf.Type);
  return {
    path: `${path}/${method.name}`,
    requestStream: method.requestStream === true,
    responseStream: method.responseStream === true,
    requestSerialize: request.serialize,
    requestDeserialize: request.deserialize,
    responseSerialize: response.serialize,
    responseDeserialize: response.deserialize,
    originalName: `${method.name.charAt(0).toLowerCase()}${method.name.slice(1)}`,
  };
}

function codec(type: protobuf.Type) {
  return {
    serialize: (message: object) => type.encode(type.fromObject(message)).finish() as Buffer,
    deserialize: (bytes: Buffer) => type.toObject(type.decode(bytes), CONVERSION),
  };
}
