import { BaseCommand } from '../cli/base/BaseCommand.js';
import { boundNameLookups, exitWithin } from '../cli/base/processEnd.js';
import { listenForStop } from '../cli/base/signals.js';
import { findConfigFile, readConfigFile } from '../cli/config/configFile.js';
import {
  commandLine,
  environment,
  type FlagTable,
  fromFirst,
  type Layer,
  merge,
} from '../cli/config/settings.js';
import { listenForLogLevel } from '../cli/flags/logFlags.js';
import { REDIS_URLS } from '../cli/flags/redisFlags.js';
import { daemonOptions, serveFlags } from '../cli/flags/serveFlags.js';
import { prose } from '../cli/help/prose.js';
import { daemonJson, daemonLines, warningLines } from '../cli/output/daemonReport.js';
import { NonBlockingOutput } from '../cli/output/nonBlockingOutput.js';
import { printableJson } from '../cli/output/printable.js';
import type { DaemonOptions } from '../daemon/daemonOptions.js';
import { disablePretenuring } from '../daemon/internals/v8Pretenuring.js';
import type { Daemon } from '../daemon/startDaemon.js';

/** A daemon that stops drains for at most 10 s; what it does before and after takes less than the rest. */
const STOP_LIMIT_MS = 13_000;
const EXIT_LATE = 1;

type StartOptions = DaemonOptions & { signal: AbortSignal };

export default class Serve extends BaseCommand {
  static override summary = 'Start a daemon: the presence service on one address.';
  static override description = prose`
    Without --redis and --etcd the daemon keeps its data in a directory of this machine, with the embedded
    store and registry. With both it is one of several equal daemons that share a Redis and an etcd. With
    --redis alone it keeps sessions in Redis and registers on this machine only.

    The daemon listens, checks the store, and then registers. Ctrl-C (or SIGTERM, SIGHUP) drains it: it
    leaves the registry, accepts calls for --drain-delay, finishes the calls in flight within 10 s, closes
    all connections and exits with 0. A second signal ends the wait of --drain-delay, or else stops the
    daemon at once. SIGHUP and SIGINT have no effect if they are ignored at the start, as nohup does.
    SIGUSR2 switches the log level to debug and back.

    ${REDIS_URLS}

    Precedence: flag, environment variable, config file, default. The config file is the one of --config,
    else imstate.yaml, imstate.yml or imstate.json in the current directory. Its keys are these flags,
    under serve. The first line of output names it.

    Keep secrets out of the command line, which ps shows. Name a file with --redis-url-file or
    --etcd-password-file, or set IMSTATE_REDIS or IMSTATE_ETCD_PASSWORD.
  `;
  static override examples = [
    { description: 'Start on the embedded store', command: '<%= config.bin %> <%= command.id %>' },
    {
      description: 'One of several daemons on Redis and etcd',
      command:
        '<%= config.bin %> <%= command.id %> --port 8081 --redis redis://127.0.0.1:6379 --etcd 127.0.0.1:2379',
    },
    {
      description: 'Listen on every address, and register the one that others dial',
      command:
        '<%= config.bin %> <%= command.id %> --addr 0.0.0.0 --advertise 10.0.0.5:8080 --redis redis://10.0.0.2 --etcd 10.0.0.3:2379',
    },
  ];
  static override flags = serveFlags;

  #configFile: string | undefined;
  /** Undefined until it is ready. */
  #daemon: Daemon | undefined;

  protected override async settings(argv: readonly string[], flags: FlagTable): Promise<Layer> {
    const given = [commandLine(argv, flags), environment(flags)];
    const named = merge(...given).get('config')?.text;
    this.#configFile = named || findConfigFile();
    if (this.#configFile !== undefined) {
      const file = { path: this.#configFile, isNamed: Boolean(named) };
      given.push(await readConfigFile(file, 'serve', flags));
    }
    return merge(...fromFirst(['redis', 'redis-url-file'], given));
  }

  async run(): Promise<void> {
    const { flags } = await this.parse(Serve);
    boundNameLookups();
    // Before the signals are caught: reading a pipe waits for its writer, and signals must end that.
    const options = daemonOptions(flags, this.config.dataDir);
    const { stop } = listenForStop(() => this.#daemon?.skipDrainDelay() ?? false);
    const stopLimitMs = STOP_LIMIT_MS + options.drainDelayMs;
    stop.addEventListener('abort', () => exitWithin(stopLimitMs, EXIT_LATE), { once: true });
    const { captureOutput, makeLogger } = await import('../cli/output/logger.js');
    const { log, droppedLines } = makeLogger(flags['log-level'], flags['log-format']);
    listenForLogLevel(log, (level) => this.#daemon?.noteLogLevel(level));
    log.debug({ settings: this.origins() }, 'where the settings are from');
    const release = captureOutput(log);
    await this.#serve({ ...options, log, droppedLogLines: droppedLines, signal: stop }).finally(release);
  }

  /** Resolves when the daemon has stopped. */
  async #serve(options: StartOptions): Promise<void> {
    const { log, signal: stop } = options;
    const daemon = await this.#start(options);
    if (daemon === undefined) return;
    this.#daemon = daemon;
    this.#print(daemon);
    log.info('ready: Ctrl-C stops it');
    if (!stop.aborted)
      await new Promise((resolve) => stop.addEventListener('abort', resolve, { once: true }));
    log.info('stopping: leaving the registry, then finishing calls in flight');
    await daemon.stop();
    log.info('stopped');
  }

  /** The daemon, or undefined if a signal stopped it before it was ready. */
  async #start(options: StartOptions): Promise<Daemon | undefined> {
    const { startDaemon } = await import('../daemon/startDaemon.js');
    // For the whole process, which is this daemon's alone.
    disablePretenuring();
    try {
      return await startDaemon(options);
    } catch (error) {
      if (!options.signal.aborted) throw error;
      options.log.info('stopped before it was ready');
      return undefined;
    }
  }

  #print(daemon: Daemon): void {
    // The daemon is serving: it must not wait for a reader.
    const output = new NonBlockingOutput(process.stdout);
    for (const line of this.#linesOf(daemon)) output.write(`${line}\n`);
  }

  #linesOf(daemon: Daemon): string[] {
    if (this.jsonEnabled()) return [printableJson(daemonJson(daemon, this.#configFile), 2)];
    const lines = daemonLines(daemon, this.#configFile);
    // On a terminal the log shows the warnings too.
    const isLogShown = process.stdout.isTTY && process.stderr.isTTY;
    return isLogShown ? lines : [...lines, ...warningLines(daemon)];
  }
}
