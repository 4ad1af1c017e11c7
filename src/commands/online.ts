import type { Client, OnlineRequest } from 'imstate-client';
import { loginJson } from 'imstate-client/internal/json';
import { ImstateError } from 'imstate-client/internal/shared/errors';
import { textArg } from '../cli/base/args.js';
import { ClientCommand } from '../cli/base/ClientCommand.js';
import { listenForStop } from '../cli/base/signals.js';
import { textFlag } from '../cli/flags/flagTypes.js';
import { type LoginFlagValues, loginFlags, loginOf } from '../cli/flags/loginFlags.js';
import { prose } from '../cli/help/prose.js';
import { ignoredOfLogin } from '../cli/output/ignoredFields.js';
import { describeLogin } from '../cli/output/onlineReport.js';
import { wrongUsage } from '../cli/output/report.js';

export default class Online extends ClientCommand {
  static override summary = 'Report the login of a device, or of many from a file.';
  static override description = prose`
    The login becomes the device's current session. The output names sessions that it replaces, so that
    their chat servers can close the old connections. Repeat the command with the same --session to renew
    a session. A session that has ended (by logout, replacement or eviction) does not start again: the
    output says why, and the exit code is 1. It is 1 too if a session policy rejects the login: the output
    names the sessions that stand in the way.

    With --file each line is a JSON object with userId, deviceId, and optionally serverAddr, sessionId,
    platform, ttl (such as "60s"), metadata (an object of strings), policy, serverIncarnation, clientIp,
    label and appVersion. Flags are defaults of the records. Each record has one line of output, in the
    order of the file; with --json an object with its line number, or {"line", "error": {"code",
    "message"}}. The exit code is the highest of all records. Records of one user are reported one after the
    other. Ctrl-C or SIGTERM stops reading, and waits up to 2 seconds for calls in flight.
  `;
  static override usage = [
    '<%= command.id %> USER DEVICE --server-addr HOST:PORT [FLAGS]',
    '<%= command.id %> --file FILE [FLAGS]',
  ];
  static override examples = [
    {
      description: "alice's phone is connected to the chat server 10.0.0.1:9000",
      command: '<%= config.bin %> <%= command.id %> alice phone --server-addr 10.0.0.1:9000',
    },
    {
      description: 'A session that alice recognises in her list of devices',
      command:
        '<%= config.bin %> <%= command.id %> alice phone -s 10.0.0.1:9000 --client-ip 203.0.113.7 --label "Anna\'s phone"',
    },
    {
      description: 'Many logins, a JSON object per line',
      command: '<%= config.bin %> <%= command.id %> --file logins.ndjson --server-addr 10.0.0.1:9000',
    },
  ];
  static override args = {
    user: textArg({ description: 'user ID' }),
    device: textArg({ description: 'device ID' }),
  };
  static override flags = {
    ...loginFlags,
    file: textFlag({
      description: 'logins, a JSON object per line; - for stdin',
      env: 'IMSTATE_FILE',
      helpValue: 'FILE',
    }),
  };

  async run(): Promise<unknown> {
    const { args, flags } = await this.parse(Online);
    const { file } = flags;
    if (file === undefined) {
      const request = oneLogin(args, flags);
      return this.withClient(flags, (client) => this.#one(request, client));
    }
    if (args.user !== undefined || flags.session !== undefined) {
      const message =
        '--file takes users, devices and sessions from its records: leave USER and --session out';
      throw new ImstateError('WRONG_USAGE', message);
    }
    const defaults = { ...loginOf(flags), ...definedAddr(flags['server-addr']) };
    return this.withClient(flags, (client) => this.#many(file, defaults, client));
  }

  async #one(request: OnlineRequest, client: Client): Promise<unknown> {
    const result = await client.online(request);
    for (const line of describeLogin(request, result)) this.log(line);
    if (result.endReason !== undefined) process.exitCode = 1;
    for (const warning of ignoredOfLogin(request, result)) this.logToStderr(warning);
    return loginJson(request, result);
  }

  /** Prints line by line; under --json oclif prints nothing for a command that returns nothing. */
  async #many(file: string, defaults: Partial<OnlineRequest>, client: Client): Promise<void> {
    const [{ recordsOf, runBatch }, { onlineBatch }] = await Promise.all([
      import('../cli/input/batch.js'),
      import('../cli/input/onlineBatch.js'),
    ]);
    const { stop, release } = listenForStop();
    try {
      const source = { records: recordsOf(file, stop), isJson: this.jsonEnabled(), stop };
      process.exitCode = await runBatch(
        onlineBatch(source, defaults, (request, options) => client.online(request, options)),
      );
    } finally {
      release();
    }
  }
}

function oneLogin(
  { user, device }: { user: string | undefined; device: string | undefined },
  flags: LoginFlagValues & { session: string | undefined },
): OnlineRequest {
  const serverAddr = flags['server-addr'];
  const missing = [user === undefined && 'USER', device === undefined && 'DEVICE'].filter(Boolean);
  if (missing.length > 0) throw wrongUsage(`Missing ${missing.join(' and ')}, or --file`);
  if (serverAddr === undefined) throw wrongUsage('Missing required flag --server-addr');
  return {
    ...loginOf(flags),
    userId: user as string,
    deviceId: device as string,
    serverAddr,
    sessionId: flags.session,
  };
}

function definedAddr(serverAddr: string | undefined) {
  return serverAddr === undefined ? {} : { serverAddr };
}
