/** Failure: why the command ends without its work done; the message is for people, one line where one is enough. */
export class Failure extends Error {
  override readonly name = "Failure";

  constructor(
    readonly exitCode: number,
    message: string,
  ) {
    super(message);
  }
}
