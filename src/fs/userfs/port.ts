/** What a filesystem written by a library user is asked, and what answers: the agent that its code runs in. */

/** What is asked: the same numbers in every agent. */
export const UserOperation = {
  stat: 1,
  readdir: 2,
  read: 3,
  readlink: 4,
  write: 5,
  create: 6,
  truncate: 7,
  remove: 8,
  rename: 9,
  symlink: 10,
} as const;

/** A question of a program's call. */
export interface UserQuestion {
  /** The mount, which tells whose code is meant. */
  readonly mount: number;
  /** `UserOperation`. */
  readonly operation: number;
  /** UTF-8, relative to the mount: empty for its root. */
  readonly path: Uint8Array;
  /** New path, target of a link, or bytes to write. */
  readonly other: Uint8Array;
  /** Place in the file, or its new size. */
  readonly position: number;
  /** Bytes wanted; for `create` 1 when a directory is meant. */
  readonly length: number;
}

/** The answer to it. */
export interface UserAnswer {
  /** Zero or more, or a negated errno. */
  readonly result: number;
  /** Bytes that were read, a link's target, or names, each with a NUL after it. */
  readonly bytes?: Uint8Array;
  /** `Filetype`, size in bytes, and milliseconds since 1970. */
  readonly type?: number;
  readonly size?: number;
  readonly modified?: number;
}

/** The agent where the code runs asks it directly, without waiting for anything. */
export interface UserAnswers {
  answer(question: UserQuestion): UserAnswer;
}
