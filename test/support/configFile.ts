import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { disposables } from './disposables.ts';
import { type CliResult, runCli } from './runCli.ts';
import { temporaryDirectory } from './servers.ts';

/** A config file in its own folder, which is removed after the test. */
export interface ConfigFile {
  folder: string;
  path: string;
  /** Writes the file, and runs a command with it. */
  withConfig(text: string, args: string[], env?: Record<string, string>): Promise<CliResult>;
  /** The error of `imstate serve` for an invalid text of the file. */
  complaint(text: string, env?: Record<string, string>): Promise<string>;
}

export async function configFile(): Promise<ConfigFile> {
  const made = await temporaryDirectory();
  disposables.push(() => made.remove());
  const folder = made.path;
  const path = join(folder, 'imstate.yaml');
  const withConfig: ConfigFile['withConfig'] = async (text, args, env = {}) => {
    await writeFile(path, text, { mode: 0o600 });
    return runCli([...args, '--config', path], { XDG_CONFIG_HOME: folder, ...env });
  };
  const complaint: ConfigFile['complaint'] = async (text, env) => {
    const { stderr, stdout, exitCode } = await withConfig(text, ['serve', '--data-dir', folder], env);
    expect({ stdout, exitCode }).toEqual({ stdout: '', exitCode: 2 });
    return stderr.trim().replaceAll(path, 'FILE');
  };
  return { folder, path, withConfig, complaint };
}
