// Converts the protos to JSON, which loads at start in a fraction of the time of parsing them.
import { existsSync, writeFileSync } from 'node:fs';
import protobuf from 'protobufjs';

/** Writes packages/client/src/generated/protos.ts from these files of proto/. */
export function writeProtos(root, files) {
  const protos = new protobuf.Root();
  // protobufjs contains the protos of Google.
  protos.resolvePath = (_, path) => (existsSync(`${root}proto/${path}`) ? `${root}proto/${path}` : path);
  const json = JSON.stringify(protos.loadSync(files).resolveAll());
  writeFileSync(
    `${root}packages/client/src/generated/protos.ts`,
    `import type { INamespace } from 'protobufjs';\n\nexport const protos: INamespace = JSON.parse(${JSON.stringify(json)});\n`,
  );
}
