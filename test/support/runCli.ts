import { fileURLToPath } from 'node:url';
import { type Errors, run } from '@oclif/core';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** The output of a command, and its exit code. */
export interface CliResult {
  stdout: string;
  stderr: string;
  exitCode: number;
}

/** Runs a command of the built CLI in this process, with `env` added to the environment. */
export async function runCli(args: string[], env: Record<string, string> = {}): Promise<CliResult> {
  const before = { env: { ...process.env }, exitCode: process.exitCode };
  const stdout = capture(process.stdout);
  const stderr = capture(process.stderr);
  // Outside production, oclif prints a warning for a command with wrong arguments.
  Object.assign(process.env, { NODE_ENV: 'production' }, env);
  process.exitCode = undefined;
  try {
    await run(args, { root: ROOT, userPlugins: false });
    return { stdout: stdout.text(), stderr: stderr.text(), exitCode: Number(process.exitCode ?? 0) };
  } catch (error) {
    // The bundle has its own oclif: its errors are not instances of the classes here.
    const { code, oclif } = error as Partial<Errors.ExitError>;
    if (code !== 'EEXIT') throw error;
    return { stdout: stdout.text(), stderr: stderr.text(), exitCode: oclif?.exit ?? 1 };
  } finally {
    stdout.restore();
    stderr.restore();
    process.env = before.env;
    process.exitCode = before.exitCode;
  }
}

function capture(stream: NodeJS.WriteStream): { text(): string; restore(): void } {
  const { write } = stream;
  let text = '';
  stream.write = ((chunk: string | Uint8Array, ...rest: unknown[]) => {
    text += chunk.toString();
    for (const done of rest) if (typeof done === 'function') done();
    return true;
  }) as typeof write;
  return {
    text: () => text,
    restore: () => {
      stream.write = write;
    },
  };
}
