/** Host directories in the guest's tree. What the floors above use of it. */
export { HostfsDriver } from "./driver.ts";
export { openHostFile } from "./open-file.ts";
export {
  closeHostfs,
  createHostfs,
  destroyHostfs,
  findBelow,
  forgetHostfs,
  HostDirectoryError,
  type HostfsOptions,
} from "./mount.ts";
export { type HostFiles, HostPlace, HostStat } from "./port.ts";
