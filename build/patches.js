// Patches of packages in the bundle of the command line, as plugins of esbuild. Each names the tested
// version, and leaves the package unchanged if it does not apply. docs/dependencies.md lists them with the
// other patches.
import { readFileSync } from 'node:fs';

const SORT = 'a.id.localeCompare(b.id)';

/**
 * Patch of oclif: sorts commands by code units. oclif sorts them by the rules of the user's locale, for which
 * Node.js loads all of Intl: 10 ms of each command. Ids of commands are plain words, so the order is the
 * same.
 *
 * - Upstream: no issue.
 * - Tested with @oclif/core 4.14.0.
 * - Relies on: the text of the comparison in lib/config/plugin.js.
 * - Fallback: oclif sorts by locale. `report` is called with what is lost.
 */
export function plainSort(report) {
  return {
    name: 'plain-sort',
    setup({ onLoad }) {
      onLoad({ filter: /@oclif.core.lib.config.plugin\.js$/ }, ({ path }) => {
        const { contents, isApplied } = sortPlainly(readFileSync(path, 'utf8'));
        if (!isApplied)
          report(`${path} no longer sorts by localeCompare: is plainSort in build/patches.js still needed?`);
        return { contents };
      });
    },
  };
}

/** The source of oclif with the plain comparison, and whether that was possible. */
export function sortPlainly(source) {
  const contents = source.replace(SORT, '(a.id < b.id ? -1 : 1)');
  return { contents, isApplied: contents !== source };
}

/**
 * Patch of cli-table3: it measures text with the string-width of this package. Its own knows the emoji of
 * 2019 and measures all later ones too narrow.
 *
 * - Upstream: no issue.
 * - Tested with cli-table3 0.6.5.
 * - Relies on: `require('string-width')` in cli-table3.
 * - Fallback: cli-table3 measures by itself.
 */
export const oneStringWidth = {
  name: 'one-string-width',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^string-width$/ }, ({ importer }) =>
      /[\\/]cli-table3[\\/]/.test(importer) ? { path: 'cli-table3', namespace: 'string-width' } : undefined,
    );
    onLoad({ filter: /.*/, namespace: 'string-width' }, () => ({
      contents: "module.exports = require('string-width').default;",
      resolveDir: import.meta.dirname,
    }));
  },
};
