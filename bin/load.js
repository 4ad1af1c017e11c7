try {
  module.exports = require('../dist/cli/start.cjs');
  if (module.exports.start === undefined) throw new Error('half of start.cjs');
} catch (error) {
  // The file is missing or incomplete while the package is built or installed.
  const [what] = error.message.split('\n');
  process.stderr.write(
    `Error: imstate cannot be loaded (${what}): if it is being built or installed, try again; otherwise reinstall it\n`,
  );
  process.exit(3);
}
