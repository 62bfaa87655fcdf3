/**
 * Program server: loads the programs that guests ask for (`kernel/program-request.ts`), on the host's event loop, which no guest blocks.
 *
 * Compiled programs are kept by content, so that a tool which runs a thousand times is compiled once; and contents are known by where their file is and
 * when it was changed, so that it is read once, too.
 */
import { Errno } from "../abi/errno.ts";
import {
  answerRequest,
  isEnding,
  keepProcess,
  dropProcess,
  type Kernel,
  KernelRoot,
  Process,
  ProgramRequest,
  readNames,
  renewProcess,
  letGo,
  RequestState,
  takeInHand,
} from "../kernel/index.ts";
import { Parker, takeReady } from "../shm/index.ts";
import type { Launch, ProcessRunner } from "../threads/port.ts";
import type { LoadedProgram } from "./options.ts";

/** Most programs that are kept compiled, and most bytes of their files. */
const MOST_PROGRAMS = 128;
const MOST_BYTES = 2 ** 28;

/** What the server needs of its machine. */
export interface ProgramHost {
  readonly runner: Required<Pick<ProcessRunner, "startChild" | "keepReady">>;
  /** Checks and compiles a program. */
  load(bytes: Uint8Array, name: string): Promise<LoadedProgram>;
  /** Makes what a process of a program is started with. @throws where there is no memory for it */
  launch(program: LoadedProgram): Launch;
  /** Is told of a file that cannot be run. */
  onRefused(pid: number, path: string, cause: unknown): void;
}

export class ProgramServer {
  /** Programs by the hash of their bytes, the one that was used last at the end. */
  private readonly programs = new Map<string, { program: LoadedProgram; bytes: number }>();
  private readonly hashes = new Map<string, string>();
  private bytes = 0;
  private readonly inFlight = new Set<Promise<void>>();

  constructor(
    private readonly kernel: Kernel,
    private readonly host: ProgramHost,
  ) {
    KernelRoot.startsPrograms.set(kernel.memory, kernel.root, 1);
  }

  /** Whether a program is being read, compiled or started. */
  get isBusy(): boolean {
    return this.inFlight.size > 0;
  }

  /** Takes up what guests ask for. */
  serve(): void {
    const { memory, root } = this.kernel;
    let request = takeReady(memory, KernelRoot.programRequests.at(root));
    while (request !== 0) {
      const next = Parker.readyNext.get(memory, request);
      const served = this.answer(request);
      this.inFlight.add(served);
      void served.finally(() => this.inFlight.delete(served));
      request = next;
    }
  }

  /** Resolves when everything that was asked for is answered: nobody asks any more. */
  async close(): Promise<void> {
    this.serve();
    while (this.inFlight.size > 0) await Promise.all(this.inFlight);
  }

  /** Never rejects. */
  private async answer(request: number): Promise<void> {
    const { kernel } = this;
    const { memory } = kernel;
    memory.refreshIfGrown();
    ProgramRequest.state.store(memory, request, RequestState.taken);
    const { path, identity } = readNames(memory, request);
    let program: LoadedProgram | undefined;
    try {
      program = await this.find(request, path, identity);
    } catch (cause) {
      const asker = ProgramRequest.asker.get(memory, request);
      this.host.onRefused(Process.id.get(memory, asker), path, cause);
      return answerRequest(kernel, request, RequestState.answered, -Errno.ENOEXEC);
    }
    if (program === undefined) return answerRequest(kernel, request, RequestState.unread);
    answerRequest(kernel, request, RequestState.answered, this.start(request, program));
  }

  /** The program that a request is for; undefined where its bytes are needed. */
  private async find(
    request: number,
    path: string,
    identity: string,
  ): Promise<LoadedProgram | undefined> {
    const { memory } = this.kernel;
    const content = ProgramRequest.content.get(memory, request);
    if (content === 0) return this.findByHash(this.hashes.get(identity) ?? "");
    const length = ProgramRequest.contentLength.get(memory, request);
    const bytes = memory.u8.slice(content, content + length);
    const hash = hexOf(await crypto.subtle.digest("SHA-256", bytes));
    const name = path.slice(path.lastIndexOf("/") + 1);
    const program = this.findByHash(hash) ?? (await this.host.load(bytes, name));
    this.keep(hash, program, length);
    if (identity !== "") this.keepIdentity(identity, hash);
    return program;
  }

  private findByHash(hash: string): LoadedProgram | undefined {
    const found = this.programs.get(hash);
    if (found === undefined) return undefined;
    this.programs.delete(hash);
    this.programs.set(hash, found);
    return found.program;
  }

  private keep(hash: string, program: LoadedProgram, bytes: number): void {
    if (this.programs.has(hash)) return;
    this.programs.set(hash, { program, bytes });
    this.bytes += bytes;
    for (const [oldest, { bytes: its }] of this.programs) {
      if (this.programs.size <= MOST_PROGRAMS && this.bytes <= MOST_BYTES) break;
      this.programs.delete(oldest);
      this.bytes -= its;
    }
  }

  private keepIdentity(identity: string, hash: string): void {
    if (this.hashes.size >= MOST_PROGRAMS * 8) this.hashes.clear();
    this.hashes.set(identity, hash);
  }

  /** Starts a program in the child that it is for, or keeps it ready for the place of the asking process's own. What the request is answered with. */
  private start(request: number, program: LoadedProgram): number {
    const { kernel, host } = this;
    const { memory } = kernel;
    const asker = ProgramRequest.asker.get(memory, request);
    const process = ProgramRequest.process.get(memory, request);
    let launch: Launch;
    try {
      launch = host.launch(program);
    } catch {
      return -Errno.ENOMEM;
    }
    if (process === asker) return host.runner.keepReady(process, launch) || -Errno.ESRCH;
    // It was killed before it began: its parent will find it so.
    if (!takeInHand(memory, process)) return 0;
    renewProcess(kernel, process);
    keepProcess(memory, process);
    const begun = host.runner.startChild(asker, process, launch);
    if (!begun) dropProcess(kernel, process);
    const isKilled = isEnding(memory, process);
    letGo(kernel, process);
    return begun || isKilled ? 0 : -Errno.EAGAIN;
  }
}

function hexOf(bytes: ArrayBuffer): string {
  return Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
