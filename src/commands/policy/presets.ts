import { ImstateError } from 'imstate-client/internal/shared/errors';
import type { SessionPolicy } from 'imstate-client/internal/shared/policy';
import { textArg } from '../../cli/base/args.js';
import { BaseCommand } from '../../cli/base/BaseCommand.js';
import { nearest } from '../../cli/base/nearest.js';
import { prose } from '../../cli/help/prose.js';
import { presetTable } from '../../cli/output/policyReport.js';
import { PRESETS } from '../../presence/policyPresets.js';

export default class PolicyPresets extends BaseCommand {
  static override summary = 'List the built-in session policies, or print one.';
  static override description = prose`
    Presets do what the policies of other products do; docs/policies.md compares them. A login, imstate policy
    set-default and imstate policy explain take them by name. With NAME the preset is printed as YAML, to change
    it and apply it under another name. No daemon is called.

    JSON: {"presets": [{"name", "platforms", "classes", "limits", "exclusive"}]}.
  `;
  static override examples = [
    { description: 'All presets', command: '<%= config.bin %> <%= command.id %>' },
    {
      description: 'One of them, into a file',
      command: '<%= config.bin %> <%= command.id %> tencent-triple >our-policy.yaml',
    },
  ];
  static override args = { name: textArg({ description: 'name of a preset' }) };

  async run(): Promise<unknown> {
    const { args } = await this.parse(PolicyPresets);
    if (args.name === undefined) {
      this.log(presetTable(PRESETS));
      return { presets: PRESETS };
    }
    const preset = presetNamed(args.name);
    const { policyYaml } = await import('../../cli/output/policyYaml.js');
    this.log(policyYaml({ ...preset, version: 0, author: undefined }, false));
    return { presets: [preset] };
  }
}

function presetNamed(name: string): SessionPolicy {
  const preset = PRESETS.find((each) => each.name === name);
  if (preset !== undefined) return preset;
  const meant = nearest(
    name,
    PRESETS.map((each) => each.name),
  );
  const wayOut = meant === undefined ? 'list them with imstate policy presets' : `did you mean ${meant}?`;
  throw new ImstateError('NOT_FOUND', `${JSON.stringify(name)} is not a preset: ${wayOut}`, {
    field: 'NAME',
  });
}
