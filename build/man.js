// The manual page of the command line, from oclif's manifest.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Writes dist/man/imstate.1 of the staging directory. */
export function writeManual(root, staging) {
  const read = (...path) => readFileSync(join(...path), 'utf8');
  const { version, description } = JSON.parse(read(root, 'package.json'));
  const commands = Object.values(JSON.parse(read(staging, 'oclif.manifest.json')).commands).filter(
    ({ hidden, pluginName }) => !hidden && pluginName === 'imstate',
  );
  const lines = [
    `.TH IMSTATE 1 "" "imstate ${version}" "User Commands"`,
    // Do not justify lines, because words are long, and do not hyphenate names of variables.
    '.ad l',
    '.nh',
    ...section('NAME', `imstate \\- ${text(description)}`),
    ...section('SYNOPSIS', '.B imstate', '\\fICOMMAND\\fR [\\fIARGUMENT\\fR]... [\\fIFLAG\\fR]...'),
    ...section('COMMANDS', ...commands.flatMap(commandLines)),
    ...section('CONNECTION FLAGS', ...connectionLines(commands)),
    ...section('EXIT STATUS', ...exitCodes(read(root, 'docs/errors.md'))),
    ...section('FILES', ...FILES.flatMap(([file, what]) => tagged(`\\fI${text(file)}\\fR`, what))),
  ];
  mkdirSync(join(staging, 'dist/man'), { recursive: true });
  writeFileSync(join(staging, 'dist/man/imstate.1'), `${lines.join('\n')}\n`);
}

const FILES = [
  [
    './imstate.yaml, ./imstate.yml, ./imstate.json',
    'settings of imstate serve, unless --config names another file',
  ],
  ['~/.config/imstate/contexts.json', 'contexts of the client commands'],
  ['~/.local/share/imstate', 'sessions and registry of an embedded daemon'],
  ['~/.cache/imstate', 'compiled code; it may be deleted at any time'],
];

function section(title, ...lines) {
  return [`.SH "${title}"`, ...lines];
}

function commandLines({ id, args, summary, description, flags }) {
  const words = Object.values(args).map(({ name, required }) =>
    (required ? name : `[${name}]`).toUpperCase(),
  );
  const paragraphs = [summary, ...description.split('\n\n')].map(text);
  return [
    `.SS "${text(['imstate', id.replaceAll(':', ' '), ...words].join(' '))}"`,
    ...paragraphs.flatMap((paragraph, i) => (i === 0 ? [paragraph] : ['.PP', paragraph])),
    ...flagsInOrder(flags).flatMap(flagLines),
    ...(Object.values(flags).some(isOfConnection) ? ['.PP', 'See also CONNECTION FLAGS.'] : []),
  ];
}

/** Those of the command itself come first; those of the connection have a section of their own. */
function flagsInOrder(flags) {
  const shown = Object.values(flags).filter((flag) => !isOfConnection(flag));
  const isGlobal = ({ helpGroup }) => helpGroup === 'GLOBAL';
  return [...shown.filter((flag) => !isGlobal(flag)), ...shown.filter(isGlobal)];
}

function isOfConnection({ helpGroup }) {
  return helpGroup === 'CONNECTION';
}

function connectionLines(commands) {
  const { flags } = commands.find((command) => Object.values(command.flags).some(isOfConnection));
  return [
    'Flags of the commands that call daemons.',
    ...Object.values(flags).filter(isOfConnection).flatMap(flagLines),
  ];
}

function flagLines({ name, char, type, options, helpValue, description, env, default: usual, required }) {
  const value =
    type === 'boolean' ? '' : `=\\fI${text(options ? options.join('|') : (helpValue ?? 'VALUE'))}\\fR`;
  const notes = [
    required && 'required',
    env && `env: ${env}`,
    usual !== undefined && usual !== false && `default: ${usual}`,
  ].filter(Boolean);
  const short = char === undefined ? '' : `\\fB${text(`-${char}`)}\\fR, `;
  return tagged(
    `${short}\\fB${text(`--${name}`)}\\fR${value}`,
    [description, ...notes.map((note) => `[${note}]`)].join(' '),
  );
}

/** The rows of the table of exit codes. */
function exitCodes(page) {
  return [...page.matchAll(/^\| (\d+) \| (.+) \|$/gm)].flatMap(([, code, what]) => tagged(code, what));
}

function tagged(tag, what) {
  return ['.TP', tag, text(what)];
}

/**
 * Escapes text for roff: no commands at the start of a line, hyphens that can be copied, and breakable lists.
 */
function text(plain) {
  return plain
    .replaceAll('`', '')
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll('"', '\\(dq')
    .replaceAll('…', '...')
    .replace(/[^\n -~]/g, byCode)
    .replace(/[,|](?=\S)/g, '$&\\:')
    .replace(/^(?=[.'])/gm, '\\&');
}

function byCode(letter) {
  return `\\[u${letter.codePointAt(0).toString(16).toUpperCase().padStart(4, '0')}]`;
}
