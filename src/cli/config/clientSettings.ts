import { readConfigFile } from './configFile.js';
import { contextLayer, contextOf, contextsFile, readContexts } from './contexts.js';
import { commandLine, environment, type FlagTable, fromFirst, type Layer, merge } from './settings.js';

/** The flags that say where the daemons are: the first source that sets one of them decides. */
export const WHERE = ['endpoint', 'etcd', 'data-dir'] as const;

/** The settings of a client command. */
export interface ClientSettings {
  layer: Layer;
  /** The name of the context in use. */
  context: string | undefined;
}

/**
 * The settings of a client command. Precedence: command line, the context that it names, environment, the
 * client group of the config file, the context chosen otherwise. The location of the daemons comes from one
 * of these alone, and a context applies as a whole or not at all: its token never goes to a daemon that it
 * does not name.
 */
export async function clientSettings(
  argv: readonly string[],
  { own, shared, configDir }: { own: FlagTable; shared: FlagTable; configDir: string },
): Promise<ClientSettings> {
  const given = commandLine(argv, own);
  const outer = environment(own);
  const named = merge(given, outer);
  const configFile = named.get('config')?.text;
  const file = configFile
    ? await readConfigFile({ path: configFile, isNamed: true }, 'client', shared)
    : new Map();
  const isOverridden = !given.has('context') && [given, outer, file].some(saysWhere);
  const context = isOverridden ? undefined : chosenContext(named.get('context')?.text, shared, configDir);
  const inner = context?.layer ?? new Map();
  const layers = given.has('context') ? [given, inner, outer, file] : [given, outer, file, inner];
  return { layer: merge(...fromFirst(WHERE, layers)), context: context?.name };
}

function chosenContext(name: string | undefined, flags: FlagTable, configDir: string) {
  const file = contextsFile(configDir);
  const contexts = readContexts(file);
  const chosen = name || contexts.current;
  if (!chosen) return undefined;
  return { name: chosen, layer: contextLayer(contextOf(contexts, chosen, file), chosen, file, flags) };
}

function saysWhere(layer: Layer): boolean {
  return WHERE.some((name) => layer.has(name));
}
