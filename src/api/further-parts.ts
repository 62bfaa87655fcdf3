/** What the library needs for programs that make the calls of `syscalls/further-table.ts`, and for terminals: a part of its own. */
import { fireTimers, type Kernel } from "../kernel/index.ts";
import type { ProcessRunner } from "../threads/port.ts";
import { type ProgramHost, ProgramServer } from "./program-server.ts";
import { Terminal } from "./terminal.ts";
import { openTerminal } from "./terminal-files.ts";

/** Gives a runner what such programs call the host for: interval timers, and, where the host can start them, programs. */
function serveRunner(
  kernel: Kernel,
  runner: ProcessRunner,
  host: Omit<ProgramHost, "runner">,
): ProgramServer | undefined {
  runner.fireTimers = fireTimers;
  const { startChild, keepReady } = runner;
  if (startChild === undefined || keepReady === undefined) return undefined;
  const server = new ProgramServer(kernel, {
    ...host,
    runner: { startChild: startChild.bind(runner), keepReady: keepReady.bind(runner) },
  });
  runner.onProgramRequests = () => server.serve();
  return server;
}

/** The part: see above. */
export const furtherParts = { serveRunner, Terminal, openTerminal };

export type FurtherParts = typeof furtherParts;
