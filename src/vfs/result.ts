/**
 * How kernel functions answer: a number. Zero or more is the result; below zero is `-errno`, or one of these internal answers, which no
 * guest ever sees.
 */

/** Not now: the syscall floor waits and tries again, or answers EAGAIN. */
export const WOULD_BLOCK = -1000;

/** The name is a symbolic link and was not followed: the path walk reads it and goes on. */
export const IS_SYMLINK = -1001;
