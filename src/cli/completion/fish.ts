import { type CompletedFlag, type Completion, LIST_CONTEXTS, type Value } from './model.js';

const CONTEXTS = "'(__imstate_contexts)'";

/** A script for fish 3 and newer. */
export function fishCompletion(table: Map<string, Completion>): string {
  const lines = [...table].flatMap(([words, completion]) => linesOf(words, completion));
  return `# Completion of imstate for fish: imstate completion fish | source
function __imstate_words
    set -l words (commandline -opc)
    string match -v -- '-*' $words[2..-1]
end

# True if these words are the whole command line so far.
function __imstate_at
    set -l words (__imstate_words)
    test "$words" = "$argv"
end

# True if these words stand there first.
function __imstate_in
    set -l words (__imstate_words)
    set -l length (count $argv)
    test (count $words) -ge $length; and test "$words[1..$length]" = "$argv"
end

function __imstate_contexts
    ${LIST_CONTEXTS}
end

complete -c imstate -f
complete -c imstate -l help -d 'show help'
complete -c imstate -l help-all -d 'show help with all flags'
${lines.join('\n')}
`;
}

function linesOf(words: string, { words: next, argument, flags }: Completion): string[] {
  const at = `complete -c imstate -n ${quote(`__imstate_at ${words}`.trim())}`;
  const inside = `complete -c imstate -n ${quote(`__imstate_in ${words}`)}`;
  return [
    ...next.map(({ word, summary }) => `${at} -a ${word} -d ${quote(summary)}`),
    ...argumentOf(argument).map((offer) => `${at} ${offer}`),
    ...flags.map((flag) => `${inside}${spellingOf(flag)}${answerTo(flag)} -d ${quote(flag.description)}`),
  ];
}

function spellingOf({ name, char }: CompletedFlag): string {
  return char === undefined ? ` -l ${name}` : ` -s ${char} -l ${name}`;
}

function argumentOf({ takes, options }: Value): string[] {
  if (takes === 'word') return [`-a ${quote(options.join(' '))}`];
  return takes === 'context' ? [`-a ${CONTEXTS}`] : [];
}

function answerTo({ takes, options }: Value): string {
  if (takes === 'nothing') return '';
  if (takes === 'word') return ` -x -a ${quote(options.join(' '))}`;
  if (takes === 'context') return ` -x -a ${CONTEXTS}`;
  if (takes === 'file') return ' -r -F';
  return takes === 'directory' ? " -x -a '(__fish_complete_directories)'" : ' -x';
}

function quote(text: string): string {
  return `'${text.replace(/[\\']/g, '\\$&')}'`;
}
