import type { Server, ServiceDefinition, UntypedServiceImplementation } from '@grpc/grpc-js';

/** A call of Health.Watch. */
interface HealthWatch {
  readonly request: { service: string };
  write(response: { status: string }): void;
}

/**
 * Wraps the server to which the health service is added, so that the service keeps only known names. By
 * itself it keeps each name that anybody has ever watched. A watch of another name gets one response, and
 * never a change.
 */
export function watchingKnownNames(server: Server, names: readonly string[]): Server {
  return {
    addService: (service: ServiceDefinition, handlers: UntypedServiceImplementation) => {
      const watch = handlers.watch as unknown as (call: HealthWatch) => void;
      const watchKnown = (call: HealthWatch) => {
        if (names.includes(call.request.service)) watch(call);
        else call.write({ status: 'SERVICE_UNKNOWN' });
      };
      server.addService(service, {
        ...handlers,
        watch: watchKnown,
      } as unknown as UntypedServiceImplementation);
    },
  } as Server;
}
