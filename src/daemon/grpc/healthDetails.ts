import { readFileSync } from 'node:fs';
import {
  Metadata,
  type Server,
  type ServiceDefinition,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { HEALTH_HEADERS } from 'imstate-client/internal/wire/healthHeaders';
import { FEATURE_LEVELS } from '../../store/featureLevel.js';

/** The version of imstate. */
const VERSION: string = JSON.parse(
  readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'),
).version;

/**
 * Wraps the server to which the health service is added, so that its responses carry the version and settings
 * that `imstate doctor` and `imstate upgrade` compare between daemons, and the uptime.
 */
export function withHealthDetails(server: Server, { maxDevices }: { maxDevices: number }): Server {
  const startedAt = performance.now();
  const details = () => {
    const metadata = new Metadata();
    metadata.set(HEALTH_HEADERS.version, VERSION);
    metadata.set(HEALTH_HEADERS.maxDevices, `${maxDevices}`);
    metadata.set(HEALTH_HEADERS.featureLevels, `${FEATURE_LEVELS.min}-${FEATURE_LEVELS.max}`);
    metadata.set(HEALTH_HEADERS.uptime, `${Math.ceil(performance.now() - startedAt)}`);
    return metadata;
  };
  return {
    addService: (service: ServiceDefinition, handlers: UntypedServiceImplementation) => {
      const check = handlers.check as (call: unknown, done: unknown) => void;
      server.addService(service, {
        ...handlers,
        check: (call: { sendMetadata(headers: Metadata): void }, done: unknown) => {
          call.sendMetadata(details());
          check(call, done);
        },
      } as UntypedServiceImplementation);
    },
  } as Server;
}
