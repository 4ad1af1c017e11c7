import { Flags } from '@oclif/core';
import { auditRecordJson } from 'imstate-client/internal/json';
import { auditOutcomes } from 'imstate-client/internal/wire/enums';
import { ClientCommand } from '../cli/base/ClientCommand.js';
import { textFlag } from '../cli/flags/flagTypes.js';
import { limitFlag } from '../cli/flags/limitFlag.js';
import { sinceFlag } from '../cli/flags/sinceFlag.js';
import { prose } from '../cli/help/prose.js';
import { collectPages } from '../cli/input/pages.js';
import { auditTable } from '../cli/output/auditTable.js';

export default class Audit extends ClientCommand {
  static override summary = 'List what administrators did, newest first.';
  static override description = prose`
    Lists evictions, changes of tokens and of the log level, and calls of administrators that were denied:
    who, from where, on what, and how it ended. It needs the role admin. The store keeps the last records:
    see --audit-limit of imstate serve.

    JSON: {"records": [{"id", "time", "action", "outcome", "code", "detail", "omitted", "identity", "role",
    "source", "via", "target", "requestId", "daemon"}], "more"}.
  `;
  static override examples = [
    { description: 'The last hour', command: '<%= config.bin %> <%= command.id %> --since 1h' },
    {
      description: 'What the token ops did to alice',
      command: '<%= config.bin %> <%= command.id %> --by ops --user alice',
    },
    {
      description: 'Denied calls of a day, as JSON',
      command: '<%= config.bin %> <%= command.id %> --outcome denied --since 1d --json',
    },
  ];
  static override flags = {
    since: sinceFlag({
      description: 'not before this time (ISO 8601, or 1h ago: 1h)',
      env: 'IMSTATE_SINCE',
      helpValue: 'TIME',
    }),
    by: textFlag({
      description: 'by this token ID, JWT subject or certificate name',
      env: 'IMSTATE_BY',
      helpValue: 'ID',
    }),
    action: textFlag({
      description: 'of this name, such as evict',
      env: 'IMSTATE_ACTION',
      helpValue: 'NAME',
    }),
    user: textFlag({ description: 'on this user', env: 'IMSTATE_USER', helpValue: 'ID' }),
    outcome: Flags.option({ options: auditOutcomes.spellings })({
      description: 'ok, denied or failed',
      env: 'IMSTATE_OUTCOME',
      helpValue: 'OUTCOME',
    }),
    limit: limitFlag,
  };

  async run(): Promise<unknown> {
    const { flags } = await this.parse(Audit);
    const { since, by: identity, action, user: userId } = flags;
    const outcome = flags.outcome === undefined ? undefined : auditOutcomes.parse('--outcome', flags.outcome);
    const { rows, isCut } = await this.withClient(flags, (client) =>
      collectPages(flags.limit, async (page) => {
        const answer = await client.listAudit({ since, identity, action, userId, outcome, ...page });
        return { rows: answer.records, nextPageToken: answer.nextPageToken };
      }),
    );
    this.log(rows.length === 0 ? 'no record matches' : auditTable(rows));
    if (isCut) this.warnOfLimit(flags.limit);
    return { records: rows.map(auditRecordJson), more: isCut };
  }
}
