// Adapts the index that `oclif readme` has written to docs/commands/README.md: oclif assumes that the README
// is at the root.
import { readFileSync, writeFileSync } from 'node:fs';

const FOLDER = 'docs/commands';
const INDEX = `${FOLDER}/README.md`;

const index = readFileSync(INDEX, 'utf8');
writeFileSync(INDEX, index.replaceAll(`](${FOLDER}/`, '](').replace('\n# Command Topics\n', ''));
