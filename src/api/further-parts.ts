/** What the library needs for programs that make the calls of `syscalls/further-table.ts`, and for terminals: a part of its own. */
import { fireTimers } from "../kernel/index.ts";
import { ProgramServer } from "./program-server.ts";
import { Terminal } from "./terminal.ts";
import { openTerminal } from "./terminal-files.ts";

export const furtherParts = { ProgramServer, fireTimers, Terminal, openTerminal };

export type FurtherParts = typeof furtherParts;
