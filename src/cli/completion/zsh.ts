import { type CompletedFlag, type Completion, LIST_CONTEXTS, type Value } from './model.js';

/** A script for zsh, for eval or for a file _imstate in a directory of fpath. */
export function zshCompletion(table: Map<string, Completion>): string {
  return `#compdef imstate
# Completion of imstate for zsh: eval "$(imstate completion zsh)", after compinit
_imstate() {
  local command=''
  local -a next
  while true; do
    case $command in
${[...table].map(([words, completion]) => caseOf(words, completion)).join('\n')}
      *) return 1 ;;
    esac
    if (( CURRENT == 2 )); then
      _describe -t commands command next
      return
    fi
    command=\${command:+$command }$words[2]
    shift words
    (( CURRENT-- ))
  done
}

_imstate_contexts() {
  local -a names
  names=(\${(f)"$(${LIST_CONTEXTS})"})
  compadd "$@" -a names
}

if [[ $funcstack[1] == _imstate ]]; then _imstate "$@"; else compdef _imstate imstate; fi
`;
}

function caseOf(words: string, { words: next, argument, flags }: Completion): string {
  if (next.length > 0) {
    const described = next.map(({ word, summary }) => quote(`${word}:${summary}`));
    return `      '${words}') next=(\n        ${described.join('\n        ')}\n      ) ;;`;
  }
  const first = `1:argument:${actionOf(argument)}`;
  const specs = [
    ...flags.flatMap(specsOf),
    '--help[show help]',
    '--help-all[show help with all flags]',
    first,
    '*:argument: ',
  ].map(quote);
  return `      '${words}') _arguments -S \\\n        ${specs.join(' \\\n        ')}\n        return ;;`;
}

/** A flag with a short form has two specifications, which exclude each other. */
function specsOf({ name, char, description, ...value }: CompletedFlag): string[] {
  const text = description.replace(/[[\]\\:]/g, '\\$&');
  const takesValue = value.takes !== 'nothing';
  const behind = takesValue ? `[${text}]:${name}:${actionOf(value)}` : `[${text}]`;
  const long = `--${name}${takesValue ? '=' : ''}${behind}`;
  if (char === undefined) return [long];
  const excluded = `(-${char} --${name})`;
  return [`${excluded}-${char}${takesValue ? '+' : ''}${behind}`, `${excluded}${long}`];
}

function actionOf({ takes, options }: Value): string {
  if (takes === 'word') return `(${options.join(' ')})`;
  const actions = {
    context: '_imstate_contexts',
    file: '_files',
    directory: '_files -/',
    anything: ' ',
    nothing: ' ',
  };
  return actions[takes];
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
