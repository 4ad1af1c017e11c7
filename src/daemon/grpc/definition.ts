import { fileURLToPath } from 'node:url';
import { loadSync, type PackageDefinition } from '@grpc/proto-loader';

/** The definitions in proto/, with the descriptors that reflection shows. */
export function loadDefinition(): PackageDefinition {
  return loadSync(['pb/user_status.proto', 'imstate/v1/presence.proto'], {
    includeDirs: [fileURLToPath(new URL('../../../proto', import.meta.url))],
  });
}
