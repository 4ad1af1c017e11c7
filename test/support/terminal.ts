import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import headless from '@xterm/headless';
import { disposables } from './disposables.ts';
import { temporaryDirectory } from './servers.ts';
import { until } from './until.ts';

const BIN = fileURLToPath(new URL('../../bin/run.js', import.meta.url));

interface Size {
  columns: number;
  rows: number;
}

/**
 * The real binary in a pseudo-terminal of script(1), until the end of the test. The terminal emulator of
 * xterm.js reads its output, so a test sees the same screen as a user.
 */
export class TestTerminal {
  /** The complete raw output. */
  output = '';
  /** Resolves with the exit code. */
  readonly ended: Promise<number | null>;
  readonly #child: ChildProcess;
  readonly #xterm: InstanceType<typeof headless.Terminal>;
  readonly #folder: string;
  #shown: Promise<void> = Promise.resolve();

  static async start(
    args: string[],
    size: Size,
    env: Record<string, string | undefined> = {},
  ): Promise<TestTerminal> {
    const { path, remove } = await temporaryDirectory();
    const terminal = new TestTerminal(args, size, env, path);
    disposables.push(async () => {
      terminal.#child.kill('SIGKILL');
      await terminal.ended;
      await remove();
    });
    return terminal;
  }

  private constructor(
    args: string[],
    { columns, rows }: Size,
    env: Record<string, string | undefined>,
    folder: string,
  ) {
    this.#folder = folder;
    const command = [process.execPath, BIN, ...args].map((word) => `'${word}'`).join(' ');
    // The shell continues, to check the state of the terminal afterwards. It exits with the code of the
    // command.
    const shell = `stty cols ${columns} rows ${rows}; tty > ${folder}/tty; sh -c 'echo $$ > ${folder}/pid; exec "$@"' sh ${command}; code=$?; stty -a > ${folder}/after; exit $code`;
    this.#child = spawn('script', ['-qefc', shell, '/dev/null'], {
      // With CI in the environment, terminals have no colours.
      env: { ...process.env, CI: undefined, TERM: 'xterm-256color', SHELL: '/bin/sh', ...env },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.#xterm = new headless.Terminal({ cols: columns, rows, allowProposedApi: true });
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.output += text;
      this.#shown = new Promise((resolve) => this.#xterm.write(text, resolve));
    });
    this.ended = new Promise((resolve) => this.#child.once('close', resolve));
  }

  /** The text on the screen, one line per row, without trailing spaces. */
  async screen(): Promise<string[]> {
    await this.#shown;
    const { active } = this.#xterm.buffer;
    return Array.from(
      { length: this.#xterm.rows },
      (_, row) => active.getLine(active.viewportY + row)?.translateToString(true) ?? '',
    );
  }

  /** Waits until the screen shows this text. */
  async shows(text: string | RegExp): Promise<string[]> {
    return until(async () => {
      const lines = await this.screen();
      return lines.join('\n').match(text) && lines;
    }, `the terminal shows ${text}`);
  }

  /** The buffer that the terminal shows. */
  get buffer(): 'normal' | 'alternate' {
    return this.#xterm.buffer.active.type;
  }

  press(keys: string): void {
    this.#child.stdin?.write(keys);
  }

  async signal(name: NodeJS.Signals): Promise<void> {
    process.kill(Number(await this.#file('pid')), name);
  }

  async resize({ columns, rows }: Size): Promise<void> {
    this.#xterm.resize(columns, rows);
    const tty = await this.#file('tty');
    await promisify(execFile)('stty', ['-F', tty, 'cols', `${columns}`, 'rows', `${rows}`]);
  }

  /** The output of `stty -a` after the command. */
  after(): Promise<string> {
    return this.#file('after');
  }

  async #file(name: string): Promise<string> {
    return until(
      async () => (await readFile(join(this.#folder, name), 'utf8').catch(() => '')).trim(),
      `${name} is written`,
    );
  }
}
