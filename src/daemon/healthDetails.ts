import { readFileSync } from 'node:fs';
import {
  Metadata,
  type Server,
  type ServiceDefinition,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { VERSION_HEADER } from '../versionHeader.js';

/** Version of this imstate. */
const VERSION: string = JSON.parse(
  readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
).version;

/** What to add the health service to, so that its answers tell the version: `imstate doctor` compares those of all daemons. */
export function tellingVersion(server: Server): Server {
  const metadata = new Metadata();
  metadata.set(VERSION_HEADER, VERSION);
  return {
    addService: (service: ServiceDefinition, handlers: UntypedServiceImplementation) => {
      const check = handlers.check as (call: unknown, done: unknown) => void;
      server.addService(service, {
        ...handlers,
        check: (call: { sendMetadata(headers: Metadata): void }, done: unknown) => {
          call.sendMetadata(metadata);
          check(call, done);
        },
      } as UntypedServiceImplementation);
    },
  } as Server;
}
