/** A small shell of ours (`tests/programs/process_shell.c`) with commands for it: each script does what it does in the system's own shell. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { after } from "node:test";
import { Machine } from "../../src/api/node.ts";
import { compileGuest } from "../support/compile.ts";

const COMMANDS = ["cat", "sort", "tr", "wc", "head", "seq", "sleep", "false"];

const made = (async () => {
  const tools = new Uint8Array(await readFile(await compileGuest("process_tools")));
  const files = Object.fromEntries(COMMANDS.map((command) => [`/bin/${command}`, tools]));
  const machine = await Machine.create({ debug: true, files: { ...files, "/job/nothing": "" } });
  return { machine, shell: await machine.load(await compileGuest("process_shell")) };
})();
after(async () => (await made).machine.close());

/** The exit code, and what was printed. */
async function runHere(script: string): Promise<readonly [number, string]> {
  const { machine, shell } = await made;
  const { exitCode, stdout } = await machine.run(shell, { args: ["-c", script], cwd: "/job" });
  return [exitCode, stdout];
}

/** The same with the shell and the commands of the system. */
function runOnHost(script: string): readonly [number | null, string] {
  const directory = mkdtempSync(join(tmpdir(), "weft-shell-"));
  try {
    const { status, stdout } = spawnSync("/bin/sh", ["-c", script], {
      cwd: directory,
      encoding: "utf8",
    });
    return [status, stdout];
  } finally {
    rmSync(directory, { recursive: true });
  }
}

const SCRIPTS: Readonly<Record<string, string>> = {
  "lists and conditions": String.raw`
    true && echo a || echo b; false && echo c || echo d
    ! false && echo e; false; echo $?; (exit 3); echo $?
    echo 'single $x' "double \" quote" un\ quoted '' # a comment`,
  pipelines: `
    echo b > f; echo a >> f; cat f | sort | tr a-z A-Z
    seq 1 1000 | wc -l; seq 1 20000 | head -n 2; false | true; echo $?; true | false; echo $?
    (echo y; echo x) | sort; { echo q; echo p; } | sort | cat | cat`,
  redirections: `
    echo one > f; echo two >> f; cat < f; cat missing 2> errors; echo $?; wc -l < errors
    { echo out; echo err >&2; } > both 2>&1; sort < both; (echo gone > /nowhere/f) 2>/dev/null || echo refused
    cat f f > g; wc -l < g; (echo in; cat < f) > h; cat h; cat f 2>&1 >/dev/null`,
  "here-documents": `x=value
cat <<END
plain $x $(echo sub)
END
cat <<'END' | tr a-z A-Z
literal $x
END
cat <<A; cat <<B
first
A
second
B
(cat; echo after) <<END
inner
END
`,
  subshells: `
    x=1; (x=2; echo $x); echo $x; (cd /; pwd); (exit 4); echo $?
    (echo a; (echo b; (echo c; exit 5)); echo $?)
    (trap 'echo bye' EXIT; echo hi); { x=3; }; echo $x`,
  substitution: `
    echo $(echo a $(echo b $(echo c))); x=$(seq 1 3); echo "$x" | wc -l; echo $x
    y=$(exit 9); echo $?; echo "[$(echo 'two

')]"; z="$(cat <<E
in $(echo here)
E
)"; echo "$z"`,
  "background jobs": `
    (exit 7) & wait $!; echo $?; sleep 30 & kill $!; wait $!; echo $?
    sleep 30 & kill -KILL $!; wait $!; echo $?; (echo child) & wait; echo all
    { echo x; } | cat & wait; wait 99999; echo $?`,
  traps: `
    trap 'echo caught' USR1; kill -USR1 $$; echo after; trap '' HUP; kill -HUP $$; echo alive
    (kill -USR1 $$); echo from a child; trap - USR1
    trap 'echo end' EXIT; exit 6`,
  "waits that traps end": `
    trap 'echo trapped' USR1; sleep 30 & job=$!
    (sleep 1; kill -USR1 $$) & wait $job; echo $?; kill $job; wait $job; echo $?`,
  exec: `echo one > f; exec 2>&1; echo to both >&2; (exec echo replaced; echo no); exec cat f`,
  "what is not there": `nosuchcommand 2>/dev/null; echo $?; exec nosuchcommand 2>/dev/null`,
  "arguments that are empty": `seq 1 2 | cat -- ''; echo $?`,
};

for (const [name, script] of Object.entries(SCRIPTS)) {
  test(`a shell: ${name}`, { skip: process.platform === "win32" }, async () => {
    assert.deepEqual(await runHere(script), runOnHost(script));
  });
}
