// Writes docs/imstate.schema.json, the JSON Schema of config files.
import { writeFileSync } from 'node:fs';
import { configSchema } from './configSchema.ts';

const file = new URL('../docs/imstate.schema.json', import.meta.url);
writeFileSync(file, `${JSON.stringify(configSchema(), null, 2)}\n`);
