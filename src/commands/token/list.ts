import { BaseCommand } from '../../cli/base/BaseCommand.js';
import { tokenFileFlag } from '../../cli/flags/tokenFileFlag.js';
import { prose } from '../../cli/help/prose.js';
import { readTokens } from '../../cli/input/tokenList.js';
import { renderTable } from '../../cli/output/style.js';
import { absoluteTime } from '../../cli/output/times.js';

export default class TokenList extends BaseCommand {
  static override summary = 'List the tokens of a file.';
  static override description = prose`
    The file holds no tokens, only their hashes. JSON: {"tokens": [{"id", "role", "servers", "created"}]};
    servers may be null.
  `;
  static override examples = [
    { description: 'All tokens', command: '<%= config.bin %> <%= command.id %> --file tokens.ndjson' },
    { description: 'As JSON', command: '<%= config.bin %> <%= command.id %> --file tokens.ndjson --json' },
  ];
  static override flags = tokenFileFlag;

  async run(): Promise<unknown> {
    const { flags } = await this.parse(TokenList);
    const tokens = await readTokens(flags.file);
    const rows = tokens.map(({ id, role, serverAddrs, created }) => [
      [id],
      [role],
      serverAddrs ?? ['any'],
      [absoluteTime(new Date(created))],
    ]);
    if (rows.length === 0) this.log(`${flags.file} lists no token`);
    else this.log(renderTable([['Token'], ['Role'], ['Chat servers'], ['Created']], rows));
    return {
      tokens: tokens.map(({ id, role, serverAddrs = null, created }) => ({
        id,
        role,
        servers: serverAddrs,
        created,
      })),
    };
  }
}
