import { userExportJson } from 'imstate-client/internal/json';
import { textArg } from '../../cli/base/args.js';
import { ClientCommand } from '../../cli/base/ClientCommand.js';
import { prose } from '../../cli/help/prose.js';
import { printableJson } from '../../cli/output/printable.js';

export default class UserExport extends ClientCommand {
  static override summary = 'Print everything that is kept of a user, as JSON.';
  static override description = prose`
    The devices, the history, the changes in the change log, and the records of the audit trail. Needs the
    role admin. The output is JSON in any case: {"userId", "devices", "history", "changes", "audit"}.

    Each export is a record in the audit trail.
  `;
  static override examples = [
    { description: 'What is kept of alice', command: '<%= config.bin %> <%= command.id %> alice' },
    {
      description: 'Into a file',
      command: '<%= config.bin %> <%= command.id %> alice >alice.json',
    },
  ];
  static override args = { user: textArg({ description: 'user ID', required: true }) };

  async run(): Promise<unknown> {
    const { args, flags } = await this.parse(UserExport);
    return this.withClient(flags, async (client) => {
      const exported = userExportJson(await client.exportUser(args.user));
      this.log(printableJson(exported, 2));
      return exported;
    });
  }
}
