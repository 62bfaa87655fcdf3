/** The calls that look files up or list them, which most programs make: see `path-services.ts`. */
import { fd_readdir } from "./fd-directory.ts";
import { path_open, path_open2 } from "./path-open.ts";
import {
  path_create_directory,
  path_filestat_get,
  path_remove_directory,
  path_rename,
  path_unlink_file,
} from "./path.ts";
import { full, type Service, type Services } from "./service.ts";

export const pathPreview1: Readonly<Record<string, Service>> = {
  fd_readdir: full(fd_readdir),
  path_create_directory: full(path_create_directory),
  path_filestat_get: full(path_filestat_get),
  path_open: full(path_open),
  path_remove_directory: full(path_remove_directory),
  path_rename: full(path_rename),
  path_unlink_file: full(path_unlink_file),
};

export const pathServices: Services = {
  wasi_snapshot_preview1: [pathPreview1],
  wasix_32v1: [pathPreview1, { path_open2: full(path_open2) }],
};
