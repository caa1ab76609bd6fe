// A program of its own that calls one function of the library on its first GPU: `caller.ts LIBRARY FUNCTION`. Prints its code.
import { NvmlClient } from './client.ts';

const [library = '', name = ''] = process.argv.slice(2);
const client = new NvmlClient(library);
const code = client.call('nvmlInit_v2');
if (code !== 0) console.log(`init ${code}`);
else {
  const memory = Buffer.alloc(4);
  const answer = client.call(name, client.handle('nvmlDeviceGetHandleByIndex_v2', 0), memory);
  console.log(`${answer} ${memory.readUInt32LE()}`);
}
