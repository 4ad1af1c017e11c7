// Fails if the command list in README.md is not what `npm run readme` would write.
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';

const before = readFileSync('README.md', 'utf8');
const { status } = spawnSync('npm', ['run', '--silent', 'readme'], {
  stdio: ['ignore', 'ignore', 'inherit'],
});
const after = readFileSync('README.md', 'utf8');
writeFileSync('README.md', before);
if (status !== 0 || before !== after) {
  process.stderr.write('the command list in README.md is not up to date: run npm run readme\n');
  process.exit(1);
}
