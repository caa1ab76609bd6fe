// Worker thread: the inventory of this machine through systeminformation, which starts programs and may hang.
import { parentPort } from 'node:worker_threads';
import type { Inventory } from '#agent/contract';
import { cpu, mem, osInfo, system } from 'systeminformation';

const [os, machine, processor, memory] = await Promise.all([osInfo(), system(), cpu(), mem()]);

const found: Partial<Inventory> = {
  kernel: os.kernel,
  os: [os.distro, os.release].filter(Boolean).join(' '),
  arch: os.arch,
  product: machine.model,
  vendor: machine.manufacturer,
  cpuModel: [processor.manufacturer, processor.brand].filter(Boolean).join(' '),
  cpus: processor.cores,
  memoryBytes: memory.total,
};

parentPort?.postMessage(found);
