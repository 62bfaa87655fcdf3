/**
 * Reading options from words: `--name value`, `--name=value`, `--flag`, one-letter forms. Options end at the first word that is none, or after `--`:
 * what follows a program belongs to the program.
 */
import { ExitCode } from "./exit-codes.ts";
import { Failure } from "./failure.ts";
import { findNearest, printable } from "./terminal-text.ts";

/** An option of a command. */
export interface OptionDefinition {
  readonly name: string;
  /** One letter. */
  readonly short?: string;
  /** Whether a value follows: always, never, or only in the form `--name=value`. */
  readonly value: "required" | "none" | "optional";
}

/** An option as it was given. */
export interface GivenOption {
  readonly name: string;
  readonly value: string | undefined;
}

/** Words of a command line, taken apart. */
export interface ParsedWords {
  /** In the order they were given. */
  readonly options: readonly GivenOption[];
  readonly rest: readonly string[];
}

/** A mistake in the command line, with where to read more. */
export function usageFailure(command: string, message: string): Failure {
  return new Failure(
    ExitCode.usage,
    `${message}\nTry "weft ${command === "" ? "" : `${command} `}--help".`,
  );
}

/**
 * Splits words into options and the rest.
 *
 * @param anywhere options may also come after words that are none
 * @throws Failure naming an unknown option with its nearest name, a missing value, or a value that none may have
 */
export function readOptions(
  command: string,
  words: readonly string[],
  definitions: readonly OptionDefinition[],
  anywhere = false,
): ParsedWords {
  const options: GivenOption[] = [];
  const rest: string[] = [];
  for (let index = 0; index < words.length; index++) {
    const word = words[index];
    if (word === "--") {
      rest.push(...words.slice(index + 1));
      break;
    }
    if (!word.startsWith("-") || word === "-") {
      if (!anywhere) {
        rest.push(...words.slice(index));
        break;
      }
      rest.push(word);
      continue;
    }
    const [spelled, inline] = splitAtEquals(word);
    const definition = definitions.find(
      ({ name, short }) =>
        spelled === `--${name}` || (short !== undefined && spelled === `-${short}`),
    );
    if (definition === undefined) throw unknownOption(command, spelled, definitions);
    let value = inline;
    if (definition.value === "none" && inline !== undefined) {
      throw usageFailure(command, `The option ${spelled} takes no value.`);
    }
    if (definition.value === "required" && inline === undefined) {
      value = words[++index];
      if (value === undefined) throw usageFailure(command, `The option ${spelled} needs a value.`);
    }
    options.push({ name: definition.name, value });
  }
  return { options, rest };
}

function splitAtEquals(word: string): [string, string | undefined] {
  const equals = word.indexOf("=");
  return equals < 0 ? [word, undefined] : [word.slice(0, equals), word.slice(equals + 1)];
}

function unknownOption(
  command: string,
  spelled: string,
  definitions: readonly OptionDefinition[],
): Failure {
  const nearest = findNearest(
    spelled,
    definitions.map(({ name }) => `--${name}`),
  );
  const hint = nearest === undefined ? "" : ` Did you mean ${nearest}?`;
  return usageFailure(command, `There is no option ${printable(spelled)}.${hint}`);
}
