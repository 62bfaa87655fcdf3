/**
 * Filesystems that a user of the library writes: what they implement, and what asks them on behalf of programs.
 *
 *     const hello: UserFilesystem = {
 *       stat: (path) => (path === "" ? { kind: "directory" } : path === "hello.txt" ? { kind: "file", size: 6 } : undefined),
 *       readdir: () => ["hello.txt"],
 *       read: (_path, offset, length) => new TextEncoder().encode("hello\n").subarray(offset, offset + length),
 *     };
 *     const machine = await Machine.create({ mounts: { "/hello": filesystem(hello) } });
 *
 * The code runs in the thread that made the machine. A program on another thread waits for it, and can be killed while it does.
 */
import { Filetype } from "../abi/enums.ts";
import { Errno } from "../abi/errno.ts";
import {
  answerRequest,
  freeRequest,
  takeRequest,
  type UserAnswer,
  type UserAnswers,
  UserOperation,
  type UserQuestion,
} from "../fs/userfs/index.ts";
import { type Kernel, KernelRoot } from "../kernel/index.ts";
import { Parker, takeReady } from "../shm/index.ts";
import { NAME_MAX } from "../vfs/index.ts";

type MaybePromise<T> = T | PromiseLike<T>;

/** What something in a filesystem is. */
export interface UserFileStat {
  readonly kind: "file" | "directory" | "symlink";
  /** Bytes. Default 0. */
  readonly size?: number;
  readonly modified?: Date;
}

/**
 * A filesystem as its author sees it: by path, relative to the mount and without a slash at its start; "" is the mount itself. The first three
 * methods make one that can be read; each of the others adds what it says, and without it programs get EROFS.
 *
 * A method fails by throwing, or rejecting with, an error whose `code` is the name of an errno ("ENOENT", "EACCES"), which the program then gets. Any other error,
 * or an answer that makes no sense, is EIO, and an event "filesystem-error" of the machine has the cause. Methods may be asynchronous, but for `Machine.fs` and
 * `runSync`, which cannot wait: there a promise is ENOTSUP.
 */
export interface UserFilesystem {
  /** What has a path; undefined for nothing. */
  stat(path: string): MaybePromise<UserFileStat | undefined>;
  /** The names in a directory, without "." and "..". */
  readdir(path: string): MaybePromise<Iterable<string>>;
  /** At most `length` bytes of a file from `offset` on; fewer, or none, only at its end. */
  read(path: string, offset: number, length: number): MaybePromise<Uint8Array>;
  /** Where a symbolic link leads: from the program's root, or relative to the link. */
  readlink?(path: string): MaybePromise<string>;
  /** Writes all of the bytes, which may make the file longer. */
  write?(path: string, offset: number, bytes: Uint8Array): MaybePromise<void>;
  /** Makes an empty file or directory, whose name is not there yet. */
  create?(path: string, kind: "file" | "directory"): MaybePromise<void>;
  /** Sets a file's size. */
  truncate?(path: string, size: number): MaybePromise<void>;
  /** Removes a file, a link, or a directory that has no names in it. */
  remove?(path: string): MaybePromise<void>;
  /** Renames; what has the new name already is of the same kind, and replaced. */
  rename?(from: string, to: string): MaybePromise<void>;
  /** Makes a symbolic link. */
  symlink?(target: string, path: string): MaybePromise<void>;
}

/** Whether programs may change anything in a filesystem. */
export function isWritable(implementation: UserFilesystem): boolean {
  const { write, create, truncate, remove, rename, symlink } = implementation;
  return [write, create, truncate, remove, rename, symlink].some((method) => method !== undefined);
}

/** A method that a filesystem does not have. */
const MISSING: UserAnswer = { result: -Errno.EROFS };

const DONE: UserAnswer = { result: 0 };

const TYPES = {
  file: Filetype.REGULAR_FILE,
  directory: Filetype.DIRECTORY,
  symlink: Filetype.SYMBOLIC_LINK,
} as const;

const OPERATION_NAMES: Readonly<Record<number, string>> = Object.fromEntries(
  Object.entries(UserOperation).map(([name, operation]) => [operation, name]),
);

/** Asks the filesystems of one machine. */
export class UserFileServer implements UserAnswers {
  private readonly filesystems = new Map<number, UserFilesystem>();
  /** Requests whose answers are not there yet. */
  private readonly inFlight = new Set<number>();
  private readonly encoder = new TextEncoder();
  private readonly decoder = new TextDecoder("utf-8", { fatal: true });

  /** @param onError gets what a filesystem threw that is no errno */
  constructor(
    private readonly kernel: Kernel,
    private readonly onError: (operation: string, path: string, cause: unknown) => void,
  ) {}

  add(mount: number, implementation: UserFilesystem): void {
    this.filesystems.set(mount, implementation);
  }

  remove(mount: number): void {
    this.filesystems.delete(mount);
  }

  /** Takes all questions that programs have asked. Called by the host's event loop. */
  serve(): void {
    const { memory, root } = this.kernel;
    let request = takeReady(memory, KernelRoot.fileRequests.at(root));
    while (request !== 0) {
      const next = Parker.readyNext.get(memory, request);
      void this.answerLater(request);
      request = next;
    }
  }

  /** Frees what is left of questions whose programs have ended. */
  close(): void {
    this.serve();
    for (const request of this.inFlight) freeRequest(this.kernel.memory, request);
    this.inFlight.clear();
  }

  /** Answers a question of this very agent. */
  answer(question: UserQuestion): UserAnswer {
    const answer = this.perform(question);
    if (!isPromise(answer)) return answer;
    this.report(question, new Error("a promise cannot be waited for by Machine.fs and runSync"));
    return { result: -Errno.ENOTSUP };
  }

  private async answerLater(request: number): Promise<void> {
    const { memory } = this.kernel;
    const question = takeRequest(memory, request);
    if (question === undefined) return;
    this.inFlight.add(request);
    const answer = await this.perform(question);
    // The machine may have been closed meanwhile.
    if (this.inFlight.delete(request)) answerRequest(memory, request, answer);
  }

  /** Calls the method that is meant. Never throws and never rejects. */
  private perform(question: UserQuestion): MaybePromise<UserAnswer> {
    try {
      const implementation = this.filesystems.get(question.mount);
      if (implementation === undefined) return { result: -Errno.EIO };
      const answer = this.call(implementation, question);
      if (!isPromise(answer)) return answer;
      return answer.then(
        (value) => value,
        (error: unknown) => this.failure(question, error),
      );
    } catch (error) {
      return this.failure(question, error);
    }
  }

  private call(implementation: UserFilesystem, question: UserQuestion): MaybePromise<UserAnswer> {
    const path = this.text(question.path);
    const { position, length, other } = question;
    const done = (value: MaybePromise<void> | undefined) => map(value, () => DONE);
    switch (question.operation) {
      case UserOperation.stat:
        return map(implementation.stat(path), (stat) => this.describe(path, stat));
      case UserOperation.readdir:
        return map(implementation.readdir(path), (names) => this.list(names));
      case UserOperation.read:
        return map(implementation.read(path, position, length), (bytes) => {
          if (!(bytes instanceof Uint8Array)) throw new TypeError("read must answer a Uint8Array");
          return { result: bytes.length, bytes };
        });
      case UserOperation.readlink:
        if (implementation.readlink === undefined) return { result: -Errno.EINVAL };
        return map(implementation.readlink(path), (target) => {
          const bytes = this.encoder.encode(target);
          return { result: bytes.length, bytes };
        });
      case UserOperation.write:
        return implementation.write ? done(implementation.write(path, position, other)) : MISSING;
      case UserOperation.create: {
        const kind = length === 1 ? "directory" : "file";
        return implementation.create ? done(implementation.create(path, kind)) : MISSING;
      }
      case UserOperation.truncate:
        return implementation.truncate ? done(implementation.truncate(path, position)) : MISSING;
      case UserOperation.remove:
        return implementation.remove ? done(implementation.remove(path)) : MISSING;
      case UserOperation.rename:
        return implementation.rename
          ? done(implementation.rename(path, this.text(other)))
          : MISSING;
      case UserOperation.symlink:
        return implementation.symlink
          ? done(implementation.symlink(this.text(other), path))
          : MISSING;
      default:
        return { result: -Errno.EIO };
    }
  }

  /** Text of a path: names that are no UTF-8 are not there. */
  private text(bytes: Uint8Array): string {
    try {
      return this.decoder.decode(bytes);
    } catch (cause) {
      throw Object.assign(new Error("a name is no UTF-8", { cause }), { code: "ENOENT" });
    }
  }

  private describe(path: string, stat: UserFileStat | undefined): UserAnswer {
    if (stat === undefined) {
      // The mount itself is there whatever its filesystem says.
      return path === "" ? { result: 0, type: Filetype.DIRECTORY } : { result: -Errno.ENOENT };
    }
    const { kind, size = 0, modified } = stat;
    if (!Object.hasOwn(TYPES, kind)) throw new TypeError(`stat answered the kind ${String(kind)}`);
    if (!Number.isSafeInteger(size) || size < 0)
      throw new TypeError(`stat answered the size ${String(size)}`);
    const time = modified === undefined ? 0 : modified.getTime();
    if (!(time >= 0)) throw new TypeError("stat answered a date that is none");
    return { result: 0, type: TYPES[kind], size, modified: time };
  }

  private list(names: Iterable<string>): UserAnswer {
    let text = "";
    for (const name of new Set(names)) {
      const length = this.encoder.encode(name).length;
      if (
        length === 0 ||
        length > NAME_MAX ||
        /[/\0]/.test(name) ||
        name === "." ||
        name === ".."
      ) {
        throw new TypeError(`readdir answered ${JSON.stringify(name)}, which is no name`);
      }
      text += `${name}\0`;
    }
    return { result: 0, bytes: this.encoder.encode(text) };
  }

  /** What a program gets for what a method threw. */
  private failure(question: UserQuestion, error: unknown): UserAnswer {
    const code =
      typeof error === "object" && error !== null && "code" in error ? String(error.code) : "";
    if (Object.hasOwn(Errno, code) && code !== "SUCCESS")
      return { result: -Errno[code as keyof typeof Errno] };
    this.report(question, error);
    return { result: -Errno.EIO };
  }

  private report({ operation, path }: UserQuestion, cause: unknown): void {
    this.onError(OPERATION_NAMES[operation], new TextDecoder().decode(path), cause);
  }
}

function isPromise<T>(value: MaybePromise<T>): value is PromiseLike<T> {
  return typeof value === "object" && value !== null && "then" in value;
}

/** Turns a value, or what a promise will give, into an answer. */
function map<T>(value: MaybePromise<T>, turn: (value: T) => UserAnswer): MaybePromise<UserAnswer> {
  return isPromise(value) ? value.then(turn) : turn(value);
}
