import { RE2JS } from 're2js';

/** A regular expression that takes time in proportion to the text, whatever it and the text are. */
export interface Pattern {
  readonly source: string;
  test(text: string): boolean;
  /** What testing a text costs, in steps. */
  stepsFor(text: string): number;
}

/** Most characters of a pattern, and most instructions that it may become: `(a{100}){100}` is short and large. */
const MOST_CHARACTERS = 500;
const MOST_INSTRUCTIONS = 1_000;
/** What the engine does for each character at least, as instructions. */
const FEWEST_INSTRUCTIONS = 24;
const INSTRUCTIONS_A_STEP = 4;

/**
 * Reads a pattern as JSON Schema has it (ECMA 262), but without what can take exponential time: look-around and
 * back-references (RE2's language). @throws Error that says what is wrong with it.
 */
export function readPattern(source: string): Pattern {
  if (source.length > MOST_CHARACTERS) throw new Error(`may have at most ${MOST_CHARACTERS} characters`);
  const compiled = compile(source);
  const size = compiled.programSize();
  if (size > MOST_INSTRUCTIONS) throw new Error(`repeats too much: it comes to ${size} instructions, of which it may have ${MOST_INSTRUCTIONS}`);
  const stepsACharacter = Math.max(size, FEWEST_INSTRUCTIONS) / INSTRUCTIONS_A_STEP;
  return {
    source,
    test: (text) => compiled.test(text),
    stepsFor: (text) => Math.ceil((text.length + 1) * stepsACharacter),
  };
}

function compile(source: string): RE2JS {
  try {
    return RE2JS.compile(RE2JS.translateRegExp(source));
  } catch (error) {
    const reason = (error instanceof Error ? error.message : String(error)).replace('error parsing regexp: ', '');
    throw new Error(`can not be used: ${reason}. Look-around and back-references are not understood`, { cause: error });
  }
}
