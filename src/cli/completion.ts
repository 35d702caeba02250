import { command, type Io, UsageError } from './command';
import type { Commands } from './commands';

/** Each asks this program for what may follow, so that it is always right. */
const SCRIPTS: Readonly<Record<string, string>> = {
  bash: `_posthorn() {
  local IFS=$'\\n'
  COMPREPLY=($(compgen -W "$(posthorn completion words "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _posthorn posthorn`,
  zsh: `#compdef posthorn
_posthorn() {
  local -a words_that_fit
  words_that_fit=("\${(@f)$(posthorn completion words "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  compadd -- $words_that_fit
}
compdef _posthorn posthorn`,
  fish: `complete -c posthorn -f -a '(set -l given (commandline -opc) (commandline -ct); posthorn completion words $given[2..-1] 2>/dev/null)'`,
};

/** `completion`: what a shell needs to complete our command lines. */
export const completionCommand = command({
  summary: 'Prints what a shell reads to complete command lines: eval "$(posthorn completion bash)"',
  words: ['bash|zsh|fish'],
  choices: ['bash', 'zsh', 'fish'],
  options: {},
  run({ words: [shell = ''] }, io: Io) {
    const script = SCRIPTS[shell];
    if (script === undefined) throw new UsageError(`completion bash, zsh or fish (seen: ${JSON.stringify(shell)})`);
    io.out(script);
    return Promise.resolve(0);
  },
});

/** What may stand in place of the last of these words, which may be begun: names of commands, options, values. */
export function candidates(line: readonly string[], commands: Commands): string[] {
  const words = line.slice(0, -1);
  const begun = line.at(-1) ?? '';
  const fit = (names: readonly string[]): string[] => [...new Set(names)].filter((name) => name.startsWith(begun));
  const name = [words.slice(0, 2).join(' '), words[0] ?? ''].find((found) => Object.hasOwn(commands, found));
  const command = name === undefined ? undefined : commands[name];
  if (!command) {
    const names = Object.keys(commands).map((found) => found.split(' '));
    if (words.length === 0) return fit(names.map(([first = '']) => first));
    return words.length === 1 ? fit(names.flatMap(([first, second]) => (first === words[0] && second !== undefined ? [second] : []))) : [];
  }
  const option = /^--([a-z-]+)$/.exec(words.at(-1) ?? '')?.[1];
  const asked = option === undefined ? undefined : command.options[option];
  if (asked?.type === 'string') return fit(asked.choices ?? []);
  if (begun.startsWith('-')) return fit([...Object.keys(command.options), 'help'].map((found) => `--${found}`));
  return fit(command.choices ?? []);
}
