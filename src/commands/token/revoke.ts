import { Args } from '@oclif/core';
import { ImstateError } from 'imstate-client/internal/shared/errors';
import { BaseCommand } from '../../cli/base/BaseCommand.js';
import { tokenFileFlag } from '../../cli/flags/tokenFileFlag.js';
import { prose } from '../../cli/help/prose.js';
import { changeTokens } from '../../cli/input/tokenList.js';

export default class TokenRevoke extends BaseCommand {
  static override summary = 'Remove a token from a file.';
  static override description = prose`
    Daemons that read the file reject calls with the token within seconds, and end its open streams. JSON:
    {"id"}.
  `;
  static override examples = [
    {
      description: 'The token of a chat server',
      command: '<%= config.bin %> <%= command.id %> chat-1 --file tokens.ndjson',
    },
    {
      description: 'The same, with JSON as output',
      command: '<%= config.bin %> <%= command.id %> chat-1 --file tokens.ndjson --json',
    },
  ];
  static override args = {
    id: Args.string({ description: 'ID of the token', required: true, ignoreStdin: true }),
  };
  static override flags = tokenFileFlag;

  async run(): Promise<unknown> {
    const { args, flags } = await this.parse(TokenRevoke);
    const { id } = args;
    await changeTokens(flags.file, (text, entries) => {
      if (entries.some((entry) => entry.id === id)) return withoutToken(text, id);
      throw new ImstateError(
        'INVALID_ARGUMENT',
        `${flags.file} lists no token "${id}": imstate token list shows those it has`,
      );
    });
    this.log(`token "${id}" is revoked`);
    return { id };
  }
}

/** Keeps comments and the other lines as they are. */
function withoutToken(text: string, id: string): string {
  const lines = text.split('\n').filter((line) => {
    if (/^\s*(#|$)/.test(line)) return true;
    return JSON.parse(line).id !== id;
  });
  return lines.join('\n');
}
