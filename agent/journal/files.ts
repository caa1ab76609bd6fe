// The few file operations of a journal. Tests put faults in their place.
import { constants } from 'node:fs';
import { mkdir, open, readdir, rename, unlink, type FileHandle } from 'node:fs/promises';

export interface JournalFile {
  /** Writes at the position; may write less than all and says how much. */
  write(buffers: readonly Uint8Array[], position: number): Promise<number>;
  /** Reads at the position; fewer bytes than asked only at the end of the file. */
  read(buffer: Uint8Array, position: number): Promise<number>;
  /** Contents and size are on the disk afterwards. */
  sync(): Promise<void>;
  truncate(length: number): Promise<void>;
  stat(): Promise<{ readonly bytes: number; readonly modifiedMs: number }>;
  /** Waits for what is running. */
  close(): Promise<void>;
}

export interface JournalFiles {
  makeFolder(folder: string): Promise<void>;
  list(folder: string): Promise<readonly string[]>;
  /** `create` refuses a file that exists, `keep` creates or takes it, `write` and `read` need it. */
  open(file: string, way: 'create' | 'keep' | 'write' | 'read'): Promise<JournalFile>;
  rename(from: string, to: string): Promise<void>;
  remove(file: string): Promise<void>;
  /** Names in the folder are on the disk afterwards. */
  syncFolder(folder: string): Promise<void>;
}

const { O_RDWR, O_CREAT, O_EXCL, O_RDONLY, O_NONBLOCK } = constants;
const flags = { create: O_RDWR | O_CREAT | O_EXCL, keep: O_RDWR | O_CREAT, write: O_RDWR, read: O_RDONLY | O_NONBLOCK };

export const realFiles: JournalFiles = {
  makeFolder: async (folder) => {
    await mkdir(folder, { recursive: true, mode: 0o700 });
  },
  list: (folder) => readdir(folder),
  // O_NONBLOCK: a pipe of that name must not hold the opening up; it changes nothing for files.
  open: async (file, way) => realFile(await open(file, flags[way], 0o600)),
  rename,
  remove: unlink,
  syncFolder: async (folder) => {
    const handle = await open(folder, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  },
};

function realFile(handle: FileHandle): JournalFile {
  return {
    write: async (buffers, position) => (await handle.writev(buffers, position)).bytesWritten,
    read: (buffer, position) => readFully(handle, buffer, position),
    sync: () => handle.datasync(),
    truncate: (length) => handle.truncate(length),
    stat: async () => {
      const stats = await handle.stat();
      if (!stats.isFile()) throw Object.assign(new Error('it is not a file'), { code: 'ENOTSUP' });
      return { bytes: stats.size, modifiedMs: stats.mtimeMs };
    },
    close: () => handle.close(),
  };
}

async function readFully(handle: FileHandle, buffer: Uint8Array, position: number): Promise<number> {
  let done = 0;
  while (done < buffer.length) {
    const { bytesRead } = await handle.read(buffer, done, buffer.length - done, position + done);
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  return done;
}
