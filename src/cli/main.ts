/**
 * The command `weft`, except for what `plain.ts` has done already. It runs only what a word of the command line asks for.
 */
import { helpText, versionText } from "./help.ts";
import { ExitCode } from "./exit-codes.ts";
import { failed } from "./failed.ts";
import { inspectFile } from "./inspect.ts";
import { instrumentFile } from "./instrument.ts";
import { usageFailure, readOptions } from "./options.ts";
import { complain, print } from "./output.ts";
import { runProgram } from "./run.ts";
import { runOptions } from "./run-options.ts";
import { listSupport } from "./syscalls.ts";
import { findNearest, printable } from "./terminal-text.ts";

const commands = ["run", "inspect", "instrument", "syscalls", "help"];

/** Does what the words say; gives the exit code. */
function execute(words: readonly string[]): number | Promise<number> {
  const [first, ...rest] = words;
  switch (first) {
    case "run":
      return execRun(rest);
    case "inspect":
      return execInspect(rest);
    case "instrument":
      return execInstrument(rest);
    case "syscalls":
      return execSyscalls(rest);
    case "help":
      return execHelp(rest);
    case undefined:
    case "":
      complain(`What to do?\n\n${helpText("")}`);
      return ExitCode.usage;
    case "--help":
    case "-h":
      return printed(helpText(""));
    case "--version":
    case "-V":
      return printed(versionText());
  }
  if (first.startsWith("-") || /[./\\]/.test(first)) return execRun(words);
  const nearest = findNearest(first, commands);
  throw usageFailure(
    "",
    `There is no command ${printable(first)}.${nearest === undefined ? "" : ` Did you mean ${nearest}?`} ` +
      `To run a program of that name, write: weft run ${printable(first)}`,
  );
}

function printed(text: string): number {
  print(text);
  return 0;
}

function execRun(words: readonly string[]): number | Promise<number> {
  const { options, rest } = readOptions("run", words, runOptions);
  if (options.some(({ name }) => name === "help")) return printed(helpText("run"));
  return runProgram(options, rest);
}

function execInspect(words: readonly string[]): number {
  const { asked, rest } = readSmallCommand("inspect", words);
  if (asked.has("help")) return printed(helpText("inspect"));
  if (rest.length !== 1) throw usageFailure("inspect", "Give the path of one .wasm file.");
  return printed(inspectFile(rest[0], asked.has("json")));
}

function execInstrument(words: readonly string[]): number | Promise<number> {
  const { options, rest } = readOptions(
    "instrument",
    words,
    [{ name: "help", short: "h", value: "none" }],
    true,
  );
  if (options.length > 0) return printed(helpText("instrument"));
  if (rest.length !== 2)
    throw usageFailure("instrument", "Give the path of one .wasm file, and where the result goes.");
  return instrumentFile(rest[0], rest[1]).then(printed);
}

function execSyscalls(words: readonly string[]): number {
  const { asked, rest } = readSmallCommand("syscalls", words);
  if (asked.has("help")) return printed(helpText("syscalls"));
  if (rest.length > 0)
    throw usageFailure("syscalls", `${printable(rest[0])}: syscalls takes no file.`);
  return printed(listSupport(asked.has("json")));
}

function readSmallCommand(command: string, words: readonly string[]) {
  const { options, rest } = readOptions(
    command,
    words,
    [
      { name: "json", value: "none" },
      { name: "help", short: "h", value: "none" },
    ],
    true,
  );
  return { asked: new Set(options.map(({ name }) => name)), rest };
}

function execHelp(words: readonly string[]): number {
  const topic = words[0] ?? "";
  if (topic !== "" && !commands.includes(topic)) {
    throw usageFailure("", `There is no command ${printable(topic)}.`);
  }
  return printed(helpText(topic === "help" ? "" : topic));
}

try {
  const code = execute(process.argv.slice(2));
  if (typeof code === "number") process.exit(code);
  void code.catch(failed).then((late) => process.exit(late));
} catch (error) {
  process.exit(failed(error));
}
