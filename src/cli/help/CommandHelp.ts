import { type Command, CommandHelp as OclifCommandHelp } from '@oclif/core';
import { type Row, renderRows, wrapCommand, wrapLines } from './layout.js';

/** The heading of the flags that say how to reach daemons, as helpGroup of these flags. */
export const CONNECTION = 'CONNECTION';
/** The headings of flags that commands share; they follow the command's own. */
const SHARED = ['GLOBAL', CONNECTION];

/**
 * The help of one command: its own flags first, and the shared ones in the order in which they are declared.
 */
export class CommandHelp extends OclifCommandHelp {
  /** Leaves out environment variables, and the flags of the connection. */
  isBrief = false;

  override wrap(body: string, spacing = this.indentSpacing): string {
    return wrapLines(this.render(body), this.opts.maxWidth - spacing);
  }

  override renderList(rows: Row[], { indentation }: { indentation: number }): string {
    return renderRows(rows, this.opts.maxWidth - indentation);
  }

  /** The flags of the connection in full. */
  connectionSection(): string {
    const flags = Object.values(this.command.flags).filter(({ helpGroup }) => helpGroup === CONNECTION);
    return this.section(`${CONNECTION} FLAGS`, this.flags(flags) ?? '');
  }

  protected override sections() {
    const sections = super.sections().filter(({ header }) => header !== 'FLAG DESCRIPTIONS');
    const at = sections.findIndex(({ header }) => header === 'FLAGS') + 1;
    if (this.isBrief) sections.splice(at, 0, this.#connectionInBrief(), this.#environmentInBrief());
    return sections;
  }

  protected override groupFlags(flags: Command.Flag.Any[]) {
    const { mainFlags, flagGroups } = super.groupFlags(flags);
    const names = Object.keys(flagGroups);
    const own = names.filter((name) => !SHARED.includes(name));
    const shown = SHARED.filter((name) => names.includes(name) && !(this.isBrief && name === CONNECTION));
    const ordered = [...own, ...shown].map((name) => [name, flagGroups[name] ?? []] as const);
    return { mainFlags, flagGroups: Object.fromEntries(ordered) };
  }

  protected override flags(flags: Command.Flag.Any[]): [string, string | undefined][] | undefined {
    if (flags.length === 0) return undefined;
    const hasShort = flags.some(({ char }) => char !== undefined);
    return flags.map((flag) => {
      const label = this.flagHelpLabel(flag, true);
      return [hasShort ? label : label.replace('    ', ''), this.#meaningOf(flag)];
    });
  }

  protected override args(args: Command.Arg.Any[]): [string, string | undefined][] | undefined {
    if (args.length === 0) return undefined;
    return args.map((arg) => {
      const name = `${arg.name.toUpperCase()}${arg.multiple ? '...' : ''}`;
      const options = arg.options === undefined ? '' : ` (${arg.options.join('|')})`;
      return [arg.required ? name : `[${name}]`, `${arg.description ?? ''}${options}`];
    });
  }

  /** Without the summary, which is printed above. */
  protected override description(): string | undefined {
    const { description } = this.command;
    return description && this.wrap(description);
  }

  protected override defaultUsage(): string {
    const { args, flags } = this.command;
    const required = Object.values(flags).filter((flag) => flag.required);
    const words = [
      ...Object.values(args).map((arg) => this.arg(arg)),
      ...required.map((flag) => this.flagHelpLabel(flag, true).trim().replace('=', ' ')),
    ];
    return ['<%= command.id %>', ...words, '[FLAGS]'].join(' ');
  }

  protected override examples(examples: Command.Example[] | undefined): string | undefined {
    if (examples === undefined || examples.length === 0) return undefined;
    const width = this.opts.maxWidth - 2 * this.indentSpacing;
    const blocks = examples.map((example) => {
      if (typeof example === 'string') return this.wrap(example);
      const { description, command } = example;
      const lines = this.indent(wrapCommand(`$ ${this.render(command)}`, width));
      const title = /[.?!]$/.test(description) ? description : `${description}:`;
      return `${this.wrap(title)}\n${lines}`;
    });
    return blocks.join('\n\n');
  }

  #meaningOf(flag: Command.Flag.Any): string {
    const { description = '', env, required } = flag;
    const usual = flag.type === 'option' ? flag.default : undefined;
    const notes = [
      required && 'required',
      usual !== undefined && `default: ${usual}`,
      !this.isBrief && env !== undefined && `env: ${env}`,
    ].filter(Boolean);
    return [description, ...notes.map((note) => `[${note}]`)].join(' ');
  }

  #connectionInBrief() {
    return {
      header: `${CONNECTION} FLAGS`,
      generate: ({ flags }: { flags: Command.Flag.Any[] }) => {
        const { length } = flags.filter(({ helpGroup }) => helpGroup === CONNECTION);
        if (length === 0) return undefined;
        return this.wrap(
          `${length} flags such as --endpoint, --etcd and --tls: ${this.config.bin} help connection`,
        );
      },
    };
  }

  #environmentInBrief() {
    const text = 'Variables set flags too, such as IMSTATE_JSON for --json: see --help-all';
    return { header: 'ENVIRONMENT', generate: () => this.wrap(text) };
  }
}
