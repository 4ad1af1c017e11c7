import { randomBytes } from 'node:crypto';
import { Flags } from '@oclif/core';
import { ImstateError } from 'imstate-client/internal/shared/errors';
import { BaseCommand } from '../../cli/base/BaseCommand.js';
import { textFlag } from '../../cli/flags/flagTypes.js';
import { tokenFileFlag } from '../../cli/flags/tokenFileFlag.js';
import { prose } from '../../cli/help/prose.js';
import { addressList } from '../../cli/input/addressList.js';
import { changeTokens } from '../../cli/input/tokenList.js';
import { checkServers } from '../../daemon/auth/records.js';
import { ROLES, type Role } from '../../daemon/auth/roles.js';
import {
  formatToken,
  hashToken,
  isTokenId,
  makeToken,
  TOKEN_ID_RULE,
  type TokenEntry,
} from '../../daemon/auth/tokenFile.js';

export default class TokenCreate extends BaseCommand {
  static override summary = 'Create a token, and add it to a file.';
  static override description = prose`
    Prints the token once, on stdout. The file gets its SHA-256, from which nobody can recover the token.
    Daemons with this file in --auth-tokens accept the token within seconds. A new file is readable by you
    alone (mode 600).

    A reader can query and watch. A writer can also report logins and logouts, with --server-addr only for
    these chat servers. An admin can also evict, export and erase users, read the audit trail, and
    finish an upgrade. JSON: {"id", "role", "servers", "created", "token"}.
  `;
  static override examples = [
    {
      description: 'A token of a chat server, in a file that only you can read',
      command:
        '(umask 077; <%= config.bin %> <%= command.id %> --role writer --server-addr 10.0.0.1:9000 --name chat-1 --file tokens.ndjson >chat-1.token)',
    },
    {
      description: 'A token for support',
      command: '<%= config.bin %> <%= command.id %> --role admin --file tokens.ndjson',
    },
  ];
  static override flags = {
    ...tokenFileFlag,
    role: Flags.option({ options: ROLES })({
      description: 'role of the token',
      env: 'IMSTATE_ROLE',
      required: true,
    }),
    'server-addr': textFlag({
      char: 's',
      description: 'chat servers that a writer can name [default: any]',
      env: 'IMSTATE_SERVER_ADDR',
      helpValue: 'HOST:PORT,…',
    }),
    name: textFlag({
      description: 'ID of the token [default: generated]',
      env: 'IMSTATE_NAME',
      helpValue: 'ID',
    }),
  };

  async run(): Promise<unknown> {
    const { flags } = await this.parse(TokenCreate);
    const { file, role, name } = flags;
    const token = makeToken();
    const entry: TokenEntry = {
      id: checkId(name ?? `${role}-${randomBytes(4).toString('hex')}`),
      sha256: hashToken(token),
      role,
      serverAddrs: serversOf(role, flags['server-addr']),
      created: new Date().toISOString(),
    };
    await changeTokens(file, (text, entries) => {
      if (entries.every(({ id }) => id !== entry.id)) return `${withNewline(text)}${formatToken(entry)}\n`;
      const message = `${file} has a token "${entry.id}" already: choose another --name, or revoke it first`;
      throw new ImstateError('INVALID_ARGUMENT', message, { field: '--name' });
    });
    if (!this.jsonEnabled()) this.logToStderr(`token "${entry.id}" is in ${file}; it is shown only once:`);
    this.log(token);
    return { id: entry.id, role, servers: entry.serverAddrs ?? null, created: entry.created, token };
  }
}

function checkId(id: string): string {
  if (isTokenId(id)) return id;
  throw new ImstateError('WRONG_USAGE', `--name must be ${TOKEN_ID_RULE}`, { field: '--name' });
}

function serversOf(role: Role, list: string | undefined): string[] | undefined {
  if (list === undefined) return undefined;
  const servers = addressList(list);
  try {
    return checkServers(role, servers);
  } catch {
    const rule = '--server-addr must be HOST:PORT,… and goes with --role writer only';
    throw new ImstateError('WRONG_USAGE', rule, { field: '--server-addr' });
  }
}

/** Someone may have edited the file without a final newline. */
function withNewline(text: string): string {
  return text === '' || text.endsWith('\n') ? text : `${text}\n`;
}
