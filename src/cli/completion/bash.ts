import { type CompletedFlag, type Completion, LIST_CONTEXTS, type Value } from './model.js';

/** A script for bash 3.2 and newer. */
export function bashCompletion(table: Map<string, Completion>): string {
  const topics = [...table].filter(([words, { words: next }]) => words !== '' && next.length > 0);
  return `# Completion of imstate for bash: eval "$(imstate completion bash)"
_imstate() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]} command='' words='' flags='' i word
  local IFS=$' \\t\\n'
  COMPREPLY=()
  # bash takes the = of --flag=value for a word.
  if [[ $cur == '=' ]]; then cur=''; elif [[ $prev == '=' ]]; then prev=\${COMP_WORDS[COMP_CWORD-2]}; fi
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    [[ $word == -- ]] && return
    [[ $word == -* ]] && continue
    case $command in
      '') command=$word ;;
${topics.map(([topic]) => `      ${topic}) command+=" $word" ;;`).join('\n')}
    esac
  done
  case $command in
${[...table].map(([words, completion]) => caseOf(words, completion)).join('\n')}
  esac
  if [[ $cur == -* ]]; then words=$flags; fi
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}

_imstate_contexts() {
  ${LIST_CONTEXTS}
}

_imstate_files() {
  local IFS=$'\\n'
  compopt -o filenames 2>/dev/null
  COMPREPLY=($(compgen "$1" -- "$2"))
}

complete -F _imstate imstate
`;
}

function caseOf(words: string, { words: next, argument, flags }: Completion): string {
  const names = [...flags.map(({ name }) => `--${name}`), '--help', '--help-all'];
  const answers = byAnswer(flags.filter(({ takes }) => takes !== 'nothing'));
  const cases = [...answers].map(([answer, of]) => `        ${of.join(' | ')}) ${answer} return ;;`);
  const lines = [
    `    '${words}')`,
    `      flags='${names.join(' ')}'`,
    ...(cases.length > 0 ? ['      case $prev in', ...cases, '      esac'] : []),
    `      ${wordsOf(next, argument)}`,
    '      ;;',
  ];
  return lines.join('\n');
}

/** Flags by how their values are completed. */
function byAnswer(flags: CompletedFlag[]): Map<string, string[]> {
  const groups = new Map<string, string[]>();
  for (const flag of flags) {
    const answer = answerTo(flag);
    const spellings = [`--${flag.name}`, ...(flag.char ? [`-${flag.char}`] : [])];
    groups.set(answer, [...(groups.get(answer) ?? []), ...spellings]);
  }
  return groups;
}

function answerTo({ takes, options }: CompletedFlag): string {
  if (takes === 'word') return `COMPREPLY=($(compgen -W '${options.join(' ')}' -- "$cur"));`;
  if (takes === 'context') return 'COMPREPLY=($(compgen -W "$(_imstate_contexts)" -- "$cur"));';
  if (takes === 'anything') return '';
  return `_imstate_files -${takes === 'directory' ? 'd' : 'f'} "$cur";`;
}

/** Words that are not flags. Contexts are listed only where one can follow. */
function wordsOf(next: Completion['words'], { takes, options }: Value): string {
  if (takes === 'context') return '[[ $cur == -* ]] || words=$(_imstate_contexts)';
  return `words='${[...next.map(({ word }) => word), ...options].join(' ')}'`;
}
