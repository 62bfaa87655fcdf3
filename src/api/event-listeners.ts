/**
 * Event listeners: who is told of what happens in a machine.
 *
 * The kernel gathers only the kinds of events that somebody wants: its mask is set here.
 *
 * Life: one for a machine. Only the host program's agent touches it.
 */
import { type Kernel, type KernelEvent, KernelRoot } from "../kernel/index.ts";
import type { Host } from "../hosts/port.ts";
import { RAW_TRAP } from "../loader/trap.ts";
import { eventOf, type MachineEvent } from "./machine-event.ts";

type Listener = (event: MachineEvent) => void;

const isRaw = ({ text }: KernelEvent): boolean => text.startsWith(RAW_TRAP);

export class EventListeners {
  /** The kinds of the kernel's events that each wants, as bits. */
  private readonly kinds = new Map<Listener, number>();

  /** What puts traps into words, once one was told of; events that wait for it. */
  private words: ((raw: string) => string) | undefined;
  private held: KernelEvent[] | undefined;

  constructor(
    private readonly kernel: Kernel,
    private readonly loadTrapWords: Host["loadTrapWords"],
  ) {}

  /** Tells `listener` from now on what the library notices, and of these kinds (bits by `EventKind`) what the kernel does. Returns what ends that. */
  add(listener: Listener, kinds: number): () => void {
    this.kinds.set(listener, kinds);
    this.setMask();
    return () => {
      this.kinds.delete(listener);
      this.setMask();
    };
  }

  private setMask(): void {
    const { memory, root } = this.kernel;
    let mask = 0;
    for (const kinds of this.kinds.values()) mask |= kinds;
    KernelRoot.eventMask.store(memory, root, mask);
  }

  /** Tells of something that the library noticed. */
  tell(event: MachineEvent): void {
    for (const listener of this.kinds.keys()) listener(event);
  }

  /** Tells of what the kernel gathered. */
  tellAll(events: readonly KernelEvent[]): void {
    if (this.held !== undefined) return void this.held.push(...events);
    if (this.words === undefined && events.some(isRaw)) return void this.tellInWords(events);
    for (const event of events)
      for (const [listener, kinds] of this.kinds)
        if (((1 << event.kind) & kinds) !== 0)
          listener(eventOf(isRaw(event) ? { ...event, text: this.words!(event.text) } : event));
  }

  /** The same for the first event that is to be put into words; those that come meanwhile are told after it. */
  private async tellInWords(events: readonly KernelEvent[]): Promise<void> {
    const held = (this.held = [...events]);
    this.words = await this.loadTrapWords();
    this.held = undefined;
    this.tellAll(held);
  }
}
