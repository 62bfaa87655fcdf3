/** Terminals for the tests of the command: windows of tmux. */
import { execFileSync, spawnSync } from "node:child_process";
import { setTimeout as delay } from "node:timers/promises";

const hasTmux = spawnSync("tmux", ["-V"]).status === 0;
/** Why tests at terminals are left out, if they are. */
export const skip = hasTmux ? false : "tmux is not installed";

/** A terminal with a shell in it, of its own server, so that no other is touched. */
export class Terminal {
  private static made = 0;
  private readonly server = `weft-test-${process.pid}-${Terminal.made++}`;

  constructor() {
    this.tmux("new-session", "-d", "-x", "100", "-y", "30", "env", "PS1=$ ", "sh");
  }

  /** Types text, and keys by tmux's names. */
  type(text: string, ...keys: string[]): void {
    if (text !== "") this.tmux("send-keys", "-l", text);
    if (keys.length > 0) this.tmux("send-keys", ...keys);
  }

  /** Gives the window another size. */
  resize(columns: number, rows: number): void {
    this.tmux("resize-window", "-x", String(columns), "-y", String(rows));
  }

  /** Waits until the screen holds this. */
  async shows(pattern: RegExp): Promise<void> {
    let screen = "";
    for (let looks = 0; looks < 400; looks++) {
      screen = this.tmux("capture-pane", "-p", "-J");
      if (pattern.test(screen)) return;
      await delay(50);
    }
    throw new Error(`the terminal does not show ${String(pattern)}:\n${screen.trimEnd()}`);
  }

  close(): void {
    this.tmux("kill-server");
  }

  private tmux(...words: string[]): string {
    return execFileSync("tmux", ["-L", this.server, "-f", "/dev/null", ...words], {
      encoding: "utf8",
    });
  }
}
