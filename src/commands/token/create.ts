import { randomBytes } from 'node:crypto';
import { Flags } from '@oclif/core';
import { ImstateError } from 'imstate-client/internal/shared/errors';
import { BaseCommand } from '../../cli/base/BaseCommand.js';
import { textFlag } from '../../cli/flags/flags.js';
import { tokenFileFlag } from '../../cli/flags/tokenFileFlag.js';
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
  static override summary = 'Make a token, and list it in a file.';
  static override description =
    'The token is printed, once and on stdout only; the file has its SHA-256, from which nobody can get it back. A daemon with this file in ' +
    '--auth-tokens takes it within seconds. A reader may ask and watch; a writer may also report logins and logouts, and with --server-addr only ' +
    'logins at those chat servers; an admin may also evict. The file is made for this user alone (mode 600) if it is not there. ' +
    'As JSON: {"id","role","servers","created","token"}.';
  static override examples = [
    {
      description: 'A token of a chat server, into a file that only this user can read',
      command:
        '(umask 077; <%= config.bin %> <%= command.id %> --role writer --server-addr 10.0.0.1:9000 --name chat-1 --file tokens.ndjson >chat-1.token)',
    },
    {
      description: 'One for support',
      command: '<%= config.bin %> <%= command.id %> --role admin --file tokens.ndjson',
    },
  ];
  static override flags = {
    ...tokenFileFlag,
    role: Flags.option({ options: ROLES })({
      description: 'what whoever has the token may do',
      env: 'IMSTATE_ROLE',
      required: true,
    }),
    'server-addr': textFlag({
      char: 's',
      description: 'the only chat servers that a writer may name in logins and leases [default: any]',
      env: 'IMSTATE_SERVER_ADDR',
      helpValue: 'HOST:PORT,…',
    }),
    name: textFlag({
      description: 'id of the token, for people and the log [default: one is made]',
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
      throw new ImstateError('INVALID_ARGUMENT', message);
    });
    if (!this.jsonEnabled())
      this.logToStderr(`token "${entry.id}" is listed in ${file}; it is shown this once:`);
    this.log(token);
    return { id: entry.id, role, servers: entry.serverAddrs ?? null, created: entry.created, token };
  }
}

function checkId(id: string): string {
  if (isTokenId(id)) return id;
  throw new ImstateError('WRONG_USAGE', `--name must be ${TOKEN_ID_RULE}`);
}

function serversOf(role: Role, list: string | undefined): string[] | undefined {
  if (list === undefined) return undefined;
  const servers = list.split(',').map((addr) => addr.trim());
  try {
    return checkServers(role, servers);
  } catch {
    const rule = '--server-addr must be HOST:PORT,… and goes with --role writer only';
    throw new ImstateError('WRONG_USAGE', rule);
  }
}

/** Somebody may have edited the file and left the last line open. */
function withNewline(text: string): string {
  return text === '' || text.endsWith('\n') ? text : `${text}\n`;
}
