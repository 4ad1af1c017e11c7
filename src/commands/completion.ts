import { Args } from '@oclif/core';
import { BaseCommand } from '../cli/base/BaseCommand.js';
import { bashCompletion } from '../cli/completion/bash.js';
import { fishCompletion } from '../cli/completion/fish.js';
import { completions } from '../cli/completion/model.js';
import { zshCompletion } from '../cli/completion/zsh.js';
import { prose } from '../cli/help/prose.js';

const SCRIPTS = { bash: bashCompletion, zsh: zshCompletion, fish: fishCompletion };
const SHELLS = Object.keys(SCRIPTS) as (keyof typeof SCRIPTS)[];

export default class Completion extends BaseCommand {
  static override summary = 'Print a shell completion script.';
  static override description = prose`
    The script completes commands, flags and their values. It runs imstate only for the names of contexts.
    JSON: {"shell", "script"}.
  `;
  static override examples = [
    { description: 'bash, in ~/.bashrc', command: 'eval "$(<%= config.bin %> <%= command.id %> bash)"' },
    {
      description: 'zsh, in ~/.zshrc after compinit',
      command: 'eval "$(<%= config.bin %> <%= command.id %> zsh)"',
    },
    {
      description: 'fish',
      command: '<%= config.bin %> <%= command.id %> fish >~/.config/fish/completions/imstate.fish',
    },
  ];
  static override args = {
    shell: Args.string({
      description: 'shell to complete in',
      options: SHELLS,
      required: true,
      ignoreStdin: true,
    }),
  };

  async run(): Promise<unknown> {
    const { args } = await this.parse(Completion);
    const shell = args.shell as keyof typeof SCRIPTS;
    const script = SCRIPTS[shell](completions(this.config.commands, this.config.topics));
    if (!this.jsonEnabled()) process.stdout.write(script);
    return { shell, script };
  }
}
