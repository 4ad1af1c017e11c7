import { BaseCommand } from '../cli/base/BaseCommand.js';

export default class Version extends BaseCommand {
  static override summary = 'Show the version of imstate, of Node.js and of the platform.';
  static override description =
    'Prints what imstate --version prints. JSON: {"version", "node", "platform", "arch"}.';
  static override examples = [
    { description: 'The version', command: '<%= config.bin %> <%= command.id %>' },
    { description: 'As JSON', command: '<%= config.bin %> <%= command.id %> --json' },
  ];

  async run(): Promise<unknown> {
    await this.parse(Version);
    const { userAgent, version, platform, arch } = this.config;
    this.log(userAgent);
    return { version, node: process.versions.node, platform, arch };
  }
}
