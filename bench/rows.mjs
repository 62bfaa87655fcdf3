// The rows of the table: which figure of which experiment, and the goal.
//
// A goal is `{ limit, of }`: the figure is at most (for rates: at least) `limit`, in the figure's unit, or
// times the figure of the side `of`. Where a goal is a plain figure, `reference` is the native figure it
// was set beside: on another machine, the ratio of the two is the fairer measure, and the verdict says so
// when the two differ.

const times = (limit, of = "native", name = of) => ({ limit, of, text: `≤ ${limit} × ${name}` });
const atMost = (limit, text) => ({ limit, text: `≤ ${text}` });
const atLeast = (limit, text) => ({ limit, text: `≥ ${text}` });

const withJspi = (goal, without) => (node) => (node.jspi ? goal : without);
const always = (goal) => () => goal;

const threads = [
  {
    id: "spawn-start",
    title: "spawn → first guest instruction, p50",
    experiment: "spawn",
    figure: "spawn_start_p50",
    goal: withJspi(times(1), times(1.5)),
  },
  {
    id: "spawn-start-p99",
    title: "  the same, p99",
    experiment: "spawn",
    figure: "spawn_start_p99",
  },
  {
    id: "spawn-join",
    title: "spawn + join, p50",
    experiment: "spawn",
    figure: "spawn_join_p50",
    goal: withJspi(times(0.7), times(1.5)),
  },
  {
    id: "spawn-join-p99",
    title: "  the same, p99",
    experiment: "spawn",
    figure: "spawn_join_p99",
  },
  {
    id: "handover",
    title: "two threads handing over a turn, round trip",
    experiment: "handover",
    figure: "handover",
    goal: withJspi(times(0.1), times(1.2)),
  },
  {
    id: "handover-crowded",
    title: "  the same, while 64 other threads wait",
    experiment: "handover-crowded",
    figure: "handover",
    goal: withJspi(times(0.1), undefined),
  },
  {
    id: "threads-64",
    title: "64 threads alive, cold",
    experiment: "threads-64",
    figure: "all_up",
    goal: withJspi(atMost(50e6, "50 ms"), times(1.1, "bare workers", "64 bare workers")),
    also: "bare workers",
  },
  {
    id: "threads-64-process",
    title: "  the same, whole process",
    experiment: "threads-64",
    figure: "wall",
    also: "bare workers",
  },
  {
    id: "threads-64-memory",
    title: "  the same, peak memory",
    experiment: "threads-64",
    figure: "peak_memory",
  },
  {
    id: "threads-10000",
    title: "10,000 threads alive and blocked",
    experiment: "threads-10000",
    figure: "all_up",
    goal: withJspi(times(1), undefined),
  },
  {
    id: "threads-10000-memory",
    title: "  the same, peak memory",
    experiment: "threads-10000",
    figure: "peak_memory",
    goal: withJspi(atMost(250e6, "250 MB"), undefined),
  },
  {
    id: "compute",
    title: "CPU-bound work, 2 threads against 1",
    experiment: "compute",
    figure: "compute_speedup",
    better: "higher",
    goal: always(atLeast(190, "1.9 ×")),
    reference: 200,
  },
  {
    id: "compute-one",
    title: "  the work by one thread",
    experiment: "compute",
    figure: "compute_one",
  },
];

const processes = [
  {
    id: "process-spawn",
    title: "spawn + wait of a program that ran before, p50",
    figure: "spawn_wait_p50",
    goal: always(times(3)),
  },
  {
    id: "process-pipeline",
    title: "pipeline of three programs over 100 MB",
    figure: "pipeline",
    better: "higher",
    goal: always({ limit: 0.5, of: "native", text: "≥ 0.5 × native" }),
  },
  {
    id: "process-signal",
    title: "signal to another process and back, p50",
    figure: "signal_p50",
  },
].map((row) => ({ ...row, experiment: "processes" }));

const forks = [
  { id: "fork-wait", title: "fork + wait of a small process, p50", figure: "fork_wait_p50" },
  { id: "fork-large", title: "  the same of one with 256 MB, p50", figure: "fork_large_p50" },
].map((row) => ({ ...row, experiment: "forks" }));

const stacks = [
  {
    id: "stack-ring",
    title: "a turn around 64 threads, all but one long asleep: each step",
    figure: "ring",
  },
  { id: "stack-jump", title: "setjmp + longjmp, by checkpoints", figure: "set_jump" },
].map((row) => ({ ...row, experiment: "stacks" }));

const snapshots = [
  { id: "snapshot-take", title: "snapshot of a machine of 64 MB", figure: "snapshot_take" },
  { id: "snapshot-restore", title: "  the same, restored", figure: "snapshot_restore" },
].map((row) => ({ ...row, experiment: "snapshot" }));

const calls = [
  {
    id: "clock",
    title: "clock_gettime",
    figure: "clock_gettime",
    goal: always(atMost(150, "0.15 µs")),
    reference: 25,
  },
  {
    id: "memory-write",
    title: "in memory: write 64 B",
    figure: "write_64",
    goal: always(atMost(400, "0.4 µs")),
    reference: 1150,
  },
  {
    id: "memory-pread",
    title: "in memory: pread 64 B",
    figure: "pread_64",
    goal: always(atMost(400, "0.4 µs")),
    reference: 600,
  },
  {
    id: "memory-lseek",
    title: "in memory: lseek",
    figure: "lseek",
    goal: always(atMost(150, "0.15 µs")),
    reference: 220,
  },
  {
    id: "memory-stat",
    title: "in memory: stat",
    figure: "stat",
    goal: always(atMost(700, "0.7 µs")),
    reference: 1400,
  },
  {
    id: "memory-open",
    title: "in memory: open + close",
    figure: "open_close",
    goal: always(atMost(1500, "1.5 µs")),
    reference: 2900,
  },
  {
    id: "pipe",
    title: "pipe: write + read 64 B, one thread",
    figure: "pipe_64",
    goal: always(atMost(800, "0.8 µs")),
    reference: 950,
  },
  {
    id: "memory-write-1m",
    title: "in memory: 1 MiB writes, new file",
    figure: "write_1m",
    better: "higher",
    goal: always(atLeast(6000, "6 GB/s")),
  },
  {
    id: "memory-rewrite-1m",
    title: "in memory: 1 MiB writes, again",
    figure: "rewrite_1m",
    better: "higher",
  },
  {
    id: "memory-read-1m",
    title: "in memory: 1 MiB reads",
    figure: "read_1m",
    better: "higher",
    goal: always(atLeast(8000, "8 GB/s")),
    reference: 9000,
  },
].map((row) => ({ ...row, experiment: "calls" }));

const hostCalls = [
  { id: "host-write", title: "write 64 B", figure: "write_64" },
  { id: "host-pread", title: "pread 64 B", figure: "pread_64" },
  { id: "host-lseek", title: "lseek", figure: "lseek" },
  { id: "host-stat", title: "stat", figure: "stat" },
  { id: "host-open", title: "open + close", figure: "open_close" },
  { id: "host-write-1m", title: "1 MiB writes, new file", figure: "write_1m", better: "higher" },
  { id: "host-rewrite-1m", title: "1 MiB writes, again", figure: "rewrite_1m", better: "higher" },
  { id: "host-read-1m", title: "1 MiB reads", figure: "read_1m", better: "higher" },
].map((row) => ({
  ...row,
  title: `host folder: ${row.title}`,
  experiment: "host-calls",
  // A call that takes at most twice as long moves at least half as much a second.
  goal: always(
    row.better === "higher" ? { limit: 0.5, of: "native", text: "≥ 0.5 × native" } : times(2),
  ),
}));

const trees = ["tree", "host-tree"].flatMap((experiment) => {
  const place = experiment === "tree" ? "in memory" : "host folder";
  return [
    { id: "create", title: "10,000 files of 100 B made", figure: "create_files" },
    { id: "list", title: "`ls -lR` of them", figure: "list_files" },
    { id: "remove", title: "all of them removed", figure: "remove_files" },
  ].map((row) => ({
    ...row,
    id: `${experiment}-${row.id}`,
    title: `${place}: ${row.title}`,
    experiment,
  }));
});

const wholes = [
  {
    id: "cold-start",
    title: "hello world, whole process",
    experiment: "cold-start",
    figure: "wall",
    baseline: "node -e 0",
    goal: always(times(1.3, "node -e 0", "`node -e 0`")),
  },
  {
    id: "size",
    title: "library + worker for Node, gzipped",
    experiment: "size",
    figure: "size_node",
    goal: always(atMost(60e3, "60 kB")),
  },
  {
    id: "size-files",
    title: "  with the calls of a program that opens files",
    experiment: "size",
    figure: "size_node_files",
  },
  {
    id: "size-browser",
    title: "library + worker for browsers, gzipped",
    experiment: "size",
    figure: "size_browser",
    goal: always(atMost(60e3, "60 kB")),
  },
  {
    id: "size-browser-files",
    title: "  with the part of a program that opens files",
    experiment: "size",
    figure: "size_browser_files",
  },
  {
    id: "clang",
    title: "clang as WebAssembly compiling 326 lines of C",
    experiment: "clang",
    figure: "wall",
    baseline: "node:wasi",
    goal: always(times(1.05, "node:wasi")),
  },
];

/**
 * Every row, in the order of the table. `baseline` is the side in the first column where it is not native;
 * `also` one more side to print; `better` is "higher" for rates.
 */
export const rows = [
  ...threads,
  ...processes,
  ...forks,
  ...stacks,
  ...snapshots,
  ...calls,
  ...hostCalls,
  ...trees,
  ...wholes,
];

/**
 * The rows whose ids are, or begin with, one of the given names.
 *
 * @throws {Error} naming the one that no row fits.
 */
export function selectRows(names) {
  if (!names) return rows;
  for (const name of names)
    if (!rows.some(({ id }) => id.startsWith(name)))
      throw new Error(`no row is called ${name}: see --help for the rows`);
  return rows.filter(({ id }) => names.some((name) => id.startsWith(name)));
}
