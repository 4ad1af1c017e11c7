import { readFileSync } from 'node:fs';
import {
  Metadata,
  type Server,
  type ServiceDefinition,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { HEALTH_HEADERS } from 'imstate-client/internal/wire/healthHeaders';

/** Version of this imstate. */
const VERSION: string = JSON.parse(
  readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'),
).version;

/** What to add the health service to, so that its answers carry the version and settings that `imstate doctor` compares between daemons. */
export function withHealthDetails(server: Server, { maxDevices }: { maxDevices: number }): Server {
  const metadata = new Metadata();
  metadata.set(HEALTH_HEADERS.version, VERSION);
  metadata.set(HEALTH_HEADERS.maxDevices, `${maxDevices}`);
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
