/** The help of the command: texts that teach by example. */
import { readFileSync } from "node:fs";

/** The command's name, version and what it runs on, in one line. */
export function versionText(): string {
  // Beside the folder of the bundle, in the repository and in the package.
  const text = readFileSync(new URL("../package.json", import.meta.url), "utf8");
  const { version } = JSON.parse(text) as { version: string };
  return `weft ${version} on Node ${process.versions.node}\n`;
}

/** The help of a command, or of all for "". */
export function helpText(command: string): string {
  return texts[command]();
}

const texts: Readonly<Record<string, () => string>> = {
  "": () => `Weft runs WASIX and WASI programs, with real threads.

  weft run [options] program.wasm [arguments…]   run a program
  weft run --restore=FILE                        go on with one from a snapshot
  weft program.wasm [arguments…]                 the same, shorter
  weft inspect program.wasm                      tell what a program is and needs
  weft instrument program.wasm out.wasm          make its stacks such that they can be copied: for fork and setjmp
  weft syscalls                                  list the calls that Weft provides
  weft help [command]                            tell more
  weft --version

Examples
  weft hello.wasm
  weft run --dir . compress.wasm input.txt output.gz
  weft run --env LANG=C --volume ./site:/www:ro server.wasm --port 8080
`,

  run: () => `weft run [options] program.wasm [arguments…]

Runs a WASIX or WASI program. Its input, output and exit code are the command's own. Options come before the program:
everything after it belongs to the program, also what begins with a dash.

What the program sees: nothing of this machine but what these give it.
  --dir HOST[:GUEST[:ro]]     a directory; without GUEST it has the same path there as here, so that relative paths
                              mean the same; :ro refuses every change
  --volume HOST:GUEST[:ro]    the same, with both paths
  --mapdir GUEST:HOST         the same, in wasmer's order
                              HOST may be a tar or zip archive, whose files can be read; nothing is unpacked
  --overlay HOST[,HOST…]:GUEST[:CHANGES]
                              directories and archives as one tree, the first uppermost; they are not changed: changes
                              go to the directory CHANGES, or are forgotten
  --env NAME=VALUE            an environment variable
  --env NAME                  … with the value it has here
  --forward-host-env          all variables there are here
  --cwd PATH                  its working directory; else the one here, if a --dir brings it there, or /
  --argv0 NAME                its own name; else that of its file

Going on later, here or elsewhere, also after this machine was switched off
  --journal FILE              write down in FILE what it does; where FILE is there, go on from it: its files in
                              memory, what it had open, and where its last snapshot was taken
  --snapshot FILE             keep in FILE the last snapshot of it: its processes, files in memory, pipes, timers
  --snapshot-on EVENT[,…]     take one when it calls proc_snapshot (explicit: always), when all its threads have begun
                              to wait (idle), at its first read of its input (first-stdin), at Ctrl-C (sigint,
                              first-sigint) or Ctrl-Z (sigtstp), which it then does not get, at SIGALRM (sigalrm)
  --snapshot-period MS        … and every MS milliseconds
  --stop-after-snapshot       end with code 0 as soon as there is one
  --restore FILE              go on from a snapshot, in place of a program. Give the same --dir and --volume
Only programs that carry asyncify (weft help instrument) can be in a snapshot.

Limits
  --timeout SECONDS           end it after so long (exit code 124)
  --max-threads COUNT         threads that may live at once; without it 16384, on Node 20 512
  --max-memory SIZE           memory it may have: 512MiB, 2GiB

Looking on
  --trace[=FILE]              write each call it makes, as strace does, and what becomes of its threads, with times,
                              to standard error or a file
  -q, --quiet                 do not tell why it ended
  -h, --help

Examples
  weft run hello.wasm world
  weft run --dir . wc.wasm README.md               files here, by the same names
  weft run --volume ~/data:/data:ro query.wasm     ~/data is /data, not to be changed
  weft run --overlay .:/project build.wasm         may do in . what it wants, and nothing has happened
  weft run --timeout 10 --max-memory 256MiB untrusted.wasm
  weft run --trace=calls.txt program.wasm          then read calls.txt
  weft run --snapshot=s --snapshot-on=sigint --stop-after-snapshot shell.wasm
  weft run --restore=s                             goes on where Ctrl-C was typed

Exit codes
  the program's own, and:
    2   the command line makes no sense          45, 129   the program trapped, on its main or another thread
  124   --timeout ended it                       128 + n   signal n ended it: 130 is Ctrl-C
  126   it cannot be run                              70   a bug of Weft
  127   there is no such file
`,

  inspect: () => `weft inspect [--json] program.wasm

Tells what a WebAssembly file is and whether Weft can run it: its imports and which of them work, exports, memory,
threads, features, and the tools that made it. Nothing of it is run.

  --json   for programs: one object, whose names stay the same

Examples
  weft inspect program.wasm
  weft inspect --json program.wasm | jq '.imports[] | select(.support != "full")'
`,

  instrument: () => `weft instrument program.wasm out.wasm

Adds asyncify to a program, so that its stacks can be taken apart, kept as bytes and put back. With it
  - the program can fork;
  - setjmp and longjmp work where the C library makes them of stack_checkpoint;
  - thousands of its threads can wait with few workers, also where the engine cannot suspend stacks (Node 20);
  - its threads can have several stacks there (context_create);
  - it can be put into a snapshot.
Without it fork answers ENOTSUP. The program runs somewhat slower and is larger: give this to those that need it.

It needs the package binaryen:   npm install --save-dev binaryen
The program must be linked statically. Where its stack pointer cannot be told, link it with
-Wl,--export=__stack_pointer. What was instrumented by wasm-opt --asyncify works as well.

Examples
  weft instrument shell.wasm shell-fork.wasm && weft run shell-fork.wasm
  weft inspect shell-fork.wasm | grep asyncify
`,

  syscalls: () => `weft syscalls [--json]

Lists every call of WASI and WASIX with how well it works here: it works, it works in part (the note says what is
missing), or it is refused with an errno.

  --json   for programs: an array of objects, whose names stay the same

Examples
  weft syscalls | grep thread
  weft syscalls --json | jq 'group_by(.support)[] | {support: .[0].support, calls: length}'
`,
};
