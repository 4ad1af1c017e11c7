import type { TlsFiles } from 'imstate-client/internal/tls/names';
import { ClientCommand } from '../cli/base/ClientCommand.js';
import { WHERE } from '../cli/config/clientSettings.js';
import { readConfigFile } from '../cli/config/configFile.js';
import { environment, type FlagTable, fromFirst, type Layer, merge } from '../cli/config/settings.js';
import { authFlags, authOptions } from '../cli/flags/authFlags.js';
import { REDIS_URLS, redisFlags } from '../cli/flags/redisFlags.js';
import { redisUrl } from '../cli/flags/redisUrl.js';
import { registryFlags } from '../cli/flags/registryFlags.js';
import { daemonTlsFlags, etcdTlsFlags, redisTls, redisTlsFlags } from '../cli/flags/tlsFlags.js';
import { prose } from '../cli/help/prose.js';
import {
  doctorExitCode,
  doctorJson,
  doctorLines,
  doctorSummary,
  grouped,
} from '../cli/output/doctorReport.js';
import type { Report } from '../doctor/check.js';
import Serve from './serve.js';

/** The flags of `serve` that it uses, besides those that clients have too. */
const ofServe = {
  ...redisFlags,
  'tls-client-ca': daemonTlsFlags['tls-client-ca'],
  ...redisTlsFlags,
  ...authFlags,
};
/**
 * The keys of the serve group of a config file that set its own flags. There --tls-cert is another: the
 * daemon's own certificate.
 */
const readOfServe = Object.keys({ ...ofServe, ...registryFlags, ...etcdTlsFlags });

export default class Doctor extends ClientCommand {
  static override summary = 'Check configuration, Redis, etcd, data directory and daemons.';
  static override description = prose`
    Run it with the environment or the config file of imstate serve, of a client, or of both. It runs all
    checks at once, each for at most --timeout, and changes nothing.

    Each line is a check: ok, warning, failed or skipped. What to do follows the colon. Checks that are
    skipped for the same reason share a line.

    Exit code: 0 if all is well, 1 for warnings, otherwise the code of the first failure: 2 for a setting
    to correct, 3 for a server that does not answer, 4 for a server that rejects the call.

    ${REDIS_URLS}

    JSON: {"status", "checks": [{"check", "status", "message", "code", "durationMs"}]}; code is an error
    code or null.
  `;
  static override examples = [
    { description: 'The embedded store of this machine', command: '<%= config.bin %> <%= command.id %>' },
    {
      description: 'What daemons on Redis and etcd need',
      command:
        '<%= config.bin %> <%= command.id %> --redis redis://127.0.0.1:6379 --redis-wait-replicas 1 --etcd 127.0.0.1:2379',
    },
    {
      description: 'A daemon with TLS, as JSON',
      command: '<%= config.bin %> <%= command.id %> --endpoint 10.0.0.5:8080 --tls-ca ca.pem --json',
    },
  ];
  static override flags = ofServe;

  #daemonTls: TlsFiles | undefined;

  /** After the settings of a client come those of daemons in the config file. */
  protected override async settings(argv: readonly string[], flags: FlagTable): Promise<Layer> {
    const client = await super.settings(argv, flags);
    const file = client.get('config')?.text;
    if (!file) return client;
    const serve = await readConfigFile({ path: file, isNamed: true }, 'serve', Serve.flags);
    this.#daemonTls = certificateOf(merge(environment(daemonTlsFlags), serve));
    const own = new Map([...serve].filter(([name]) => readOfServe.includes(name)));
    return merge(...fromFirst(WHERE, fromFirst(['redis', 'redis-url-file'], [client, own])));
  }

  async run(): Promise<unknown> {
    const { flags } = await this.parse(Doctor);
    const redis = redisUrl(flags);
    const { shards, service, timeout: timeoutMs, 'key-prefix': keyPrefix } = flags;
    // It loads the clients of Redis and etcd.
    const { doctor } = await import('../doctor/doctor.js');
    const reports: Report[] = [];
    const looking = doctor({
      ...this.connectOptions(flags),
      redis,
      redisTls: redisTls(flags),
      keyPrefix,
      shards,
      service,
      timeoutMs,
      waitReplicas: flags['redis-wait-replicas'],
      clientCa: flags['tls-client-ca'],
      daemonTls: this.#daemonTls,
      auth: authOptions(flags),
      dataDir: flags['data-dir'] ?? this.config.dataDir,
      version: this.config.version,
    });
    for await (const group of grouped(looking)) {
      reports.push(...group);
      for (const line of doctorLines(group, process.stdout.columns)) this.log(line);
    }
    this.log(`\n${doctorSummary(reports)}`);
    process.exitCode = doctorExitCode(reports);
    return doctorJson(reports);
  }
}

/** The daemon's own certificate, from its settings. */
function certificateOf(serve: Layer): TlsFiles {
  return { cert: serve.get('tls-cert')?.text, key: serve.get('tls-key')?.text };
}
