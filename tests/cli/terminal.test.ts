import test from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { compileGuest } from "../support/compile.ts";
import { command } from "./command.ts";
import { skip, Terminal } from "./tmux-terminal.ts";

for (const name of ["copy_input", "threads_copy_input"]) {
  test(`${name} talks with a terminal, line by line, to its end`, { skip }, async () => {
    const program = await compileGuest(name);
    const terminal = new Terminal();
    try {
      const words = name === "copy_input" ? "ask" : "";
      await terminal.shows(/^\$/m);
      terminal.type(
        `'${process.execPath}' '${command}' '${program}' ${words}; echo "code $?"`,
        "Enter",
      );
      if (words !== "") await terminal.shows(/terminal: 1$/m);
      terminal.type("first line", "Enter");
      await terminal.shows(/first line\nfirst line$/m);
      terminal.type("second line", "Enter");
      await terminal.shows(/second line\nsecond line$/m);
      terminal.type("", "C-d");
      await terminal.shows(words === "" ? /^code 2$/m : /^code 0$/m);
    } finally {
      terminal.close();
    }
  });

  test(`Ctrl-C ends ${name} at a terminal, with code 130`, { skip }, async () => {
    const program = await compileGuest(name);
    const terminal = new Terminal();
    try {
      await terminal.shows(/^\$/m);
      terminal.type(`'${process.execPath}' '${command}' '${program}'`, "Enter");
      terminal.type("a line", "Enter");
      await terminal.shows(/a line\na line$/m);
      terminal.type("", "C-c");
      await terminal.shows(/\^C\n\$/);
      terminal.type('echo "code $?"', "Enter");
      await terminal.shows(/^code 130$/m);
    } finally {
      terminal.close();
    }
  });
}

/** Runs the program that does what its arguments say at a terminal, and then tells its exit code. */
async function withActions(
  actions: string,
  use: (terminal: Terminal) => Promise<void>,
  redirections = "",
): Promise<void> {
  const program = await compileGuest("terminal_keys");
  const terminal = new Terminal();
  try {
    await terminal.shows(/^\$/m);
    terminal.type(
      `clear; '${process.execPath}' '${command}' '${program}' ${actions} ${redirections}; echo "code $?"`,
      "Enter",
    );
    await use(terminal);
  } finally {
    terminal.close();
  }
}

test("a program has the terminal's size, and takes single keys", { skip }, () =>
  withActions("size modes raw ready line cooked line", async (terminal) => {
    await terminal.shows(/^size 100 30\nterminals 111 echo 1 lines 1\nready$/m);
    terminal.type("q");
    await terminal.shows(/ready\nread 1: q$/m);
    terminal.type("edited by the system", "BSpace", "Enter");
    await terminal.shows(/^edited by the syste *\nread 19: edited by the syste\ncode 7$/m);
    // The shell's terminal is as it was.
    terminal.type("echo seen", "Enter");
    await terminal.shows(/^\$ echo seen\nseen$/m);
  }),
);

test("a password is not shown", { skip }, () =>
  withActions("password ready line", async (terminal) => {
    await terminal.shows(/^ready$/m);
    terminal.type("secrex", "t", "BSpace", "BSpace", "t", "Enter");
    await terminal.shows(/^ready\nread 6: secret\ncode 7$/m);
  }),
);

test("a program handles Ctrl-C and a new size of the window", { skip }, () =>
  withActions("handle ready sleep ready sleep size raw ready sleep", async (terminal) => {
    await terminal.shows(/^ready$/m);
    terminal.type("", "C-c");
    await terminal.shows(/^\^Csignal 2\nready$/m);
    terminal.resize(60, 20);
    await terminal.shows(/^signal 28\nsize 60 20\nready$/m);
    // While keys are taken singly Ctrl-C is no key either.
    terminal.type("", "C-c");
    await terminal.shows(/^ready\nsignal 2\ncode 7$/m);
  }),
);

test("a program that dies leaves the terminal as it was", { skip }, () =>
  withActions("raw ready line line", async (terminal) => {
    await terminal.shows(/^ready$/m);
    terminal.type("", "C-c");
    await terminal.shows(/^\$/m);
    terminal.type("echo code $?", "Enter");
    await terminal.shows(/^\$ echo code \$\?\ncode 130$/m);
  }),
);

test("/dev/null is no terminal", { skip }, () =>
  withActions(
    "modes line",
    async (terminal) => {
      await terminal.shows(/^terminals 011 echo 1 lines 1\nread 0: \ncode 7$/m);
    },
    "</dev/null",
  ),
);

test("a program with threads takes its input for a terminal", { skip }, async () => {
  const program = await compileGuest("copy_input");
  const terminal = new Terminal();
  try {
    await terminal.shows(/^\$/m);
    // The time limit puts a program without threads on a worker, too.
    terminal.type(`'${process.execPath}' '${command}' --timeout 50 '${program}' ask`, "Enter");
    await terminal.shows(/terminal: 1$/m);
  } finally {
    terminal.close();
  }
});

test("a terminal that is stopped keeps no program from its end", { skip }, async () => {
  const program = await compileGuest("threads_held_up");
  const terminal = new Terminal();
  try {
    await terminal.shows(/^\$/m);
    terminal.type(`'${process.execPath}' '${command}' '${program}'; echo "code $?"`, "Enter");
    await terminal.shows(/^a line that nobody reads$/m);
    terminal.type("", "C-s");
    // The program ends now, and the command two seconds later, as one of the threads is still within its write.
    await delay(4000);
    terminal.type("", "C-q");
    await terminal.shows(/exit code 5, but a thread of it does not return/);
    await terminal.shows(/^code 137$/m);
  } finally {
    terminal.close();
  }
});
