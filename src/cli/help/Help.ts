import { type Command, type Interfaces, Help as OclifHelp } from '@oclif/core';
import { rejectUnknown } from '../base/commandNotFound.js';
import { CommandHelp } from './CommandHelp.js';
import { type Row, renderRows, wrapLines } from './layout.js';

/** Longer lines are hard to read, however wide the terminal is. */
const MAX_COLUMNS = 100;
const HELP_ALL = '--help-all';

/** The help of imstate, which package.json names as oclif's helpClass. */
export class Help extends OclifHelp {
  protected override CommandHelpClass = CommandHelp;
  /** The pages in docs/commands, which oclif formats without showing help, have everything. */
  #isBrief = false;

  constructor(config: Interfaces.Config, opts: Partial<Interfaces.HelpOptions> = {}) {
    super(config, { flagSortOrder: 'none', ...opts });
    if (opts.maxWidth === undefined) this.opts.maxWidth = Math.min(this.opts.maxWidth, MAX_COLUMNS);
  }

  override wrap(body: string, spacing = this.indentSpacing): string {
    return wrapLines(this.render(body), this.opts.maxWidth - spacing);
  }

  override renderList(rows: Row[], { indentation }: { indentation: number }): string {
    return renderRows(rows, this.opts.maxWidth - indentation);
  }

  override async showHelp(argv: string[]): Promise<void> {
    // oclif's option lists the commands of topics too, as `imstate help --nested-commands` does.
    this.opts.all ||= argv.includes(HELP_ALL);
    this.#isBrief = !this.opts.all;
    const words = argv.filter((word) => !word.startsWith('-') && word !== 'help');
    const subject = this.#subjectOf(words);
    if (subject === undefined) rejectUnknown(this.config, words.slice(0, 2).join(':'), argv);
    await super.showHelp(subject);
  }

  /** The words that name a command or topic, without arguments behind them; undefined if they name none. */
  #subjectOf(words: string[]): string[] | undefined {
    const [first, second] = words;
    if (first === undefined) return [];
    if (this.config.findCommand(first)) return [first];
    if (!this.config.findTopic(first)) return undefined;
    if (second === undefined) return [first];
    return this.config.findCommand(`${first}:${second}`) ? [first, second] : undefined;
  }

  override formatRoot(): string {
    const { bin, pjson } = this.config;
    const usage = this.section('USAGE', `$ ${bin} COMMAND [FLAGS]`);
    return `${this.wrap(pjson.description ?? '', 0)}\n\n${usage}`;
  }

  protected override getCommandHelpClass(command: Command.Loadable): CommandHelp {
    const help = new this.CommandHelpClass(command, this.config, this.opts);
    help.isBrief = this.#isBrief;
    return help;
  }

  protected override summary(command: Command.Loadable): string | undefined {
    const summary = super.summary(command);
    return summary && this.wrap(summary, 0);
  }

  protected override async showRootHelp(): Promise<void> {
    await super.showRootHelp();
    const { bin } = this.config;
    const rows: [string, string][] = [
      [`${bin} COMMAND --help`, 'flags and examples of a command'],
      [`${bin} COMMAND ${HELP_ALL}`, 'all its flags, with environment variables'],
      [`${bin} help connection`, 'flags of all commands that call daemons'],
    ];
    this.log(this.section('HELP', rows));
  }

  protected override async showTopicHelp(topic: Interfaces.Topic): Promise<void> {
    if (topic.name !== 'connection') return super.showTopicHelp(topic);
    const { description = '' } = topic;
    this.log(`${this.wrap(description, 0)}\n`);
    const anyClient = this.config.findCommand('query', { must: true });
    this.log(new CommandHelp(anyClient, this.config, this.opts).connectionSection());
  }
}
