// Where NVML keeps what in its structures, and how its numbers are read. Authority: nvml.h.

/** The first word of a versioned structure: its size, and its version in the highest byte. */
const versionWord = (size: number, version: number): number => size + version * 2 ** 24;

export const pciInfo = { size: 68, busId: 36, busIdBytes: 32 };
export const utilization = { size: 8, gpu: 0, memory: 4 };
export const memoryV1 = { size: 24, total: 0, free: 8, used: 16 };
export const memoryV2 = { size: 40, version: versionWord(40, 2), total: 8, reserved: 16, free: 24, used: 32 };
export const bar1Memory = { size: 24, used: 16 };
export const violationTime = { size: 16, violationNs: 8 };
export const temperatureV = { size: 12, version: versionWord(12, 1), sensor: 4, temperature: 8 };
export const marginTemperature = { size: 8, version: versionWord(8, 1), margin: 4 };
export const fieldValue = { size: 40, fieldId: 0, scopeId: 4, valueType: 24, nvmlReturn: 28, value: 32 };
export const sample = { size: 16, timestampUs: 0, value: 8 };
export const processV1 = { size: 16, pid: 0, usedMemory: 8 };
export const processV2 = { size: 24, pid: 0, usedMemory: 8 };
export const processUtilization = { size: 32, pid: 0, timestampUs: 8, smUtil: 16 };
export const sramEcc = {
  size: 104,
  version: versionWord(104, 1),
  aggregate: { parity: 8, secDed: 16, corrected: 24 },
  volatile: { parity: 32, secDed: 40, corrected: 48 },
};
export const fabricV1 = { size: 32, state: 24 };
export const fabricV2 = { size: 36, version: versionWord(36, 2), state: 28, healthMask: 32 };
export const deviceAttributes = { size: 40, gpuSlices: 24, computeSlices: 28, memoryMiB: 32 };
export const gpmSupport = { size: 8, version: 1, isSupported: 4 };
/** The array is longer in newer headers; the library reads and writes only as many as are asked for. */
export const gpmMetrics = {
  headerSize: 24,
  version: 1,
  numMetrics: 4,
  sample1: 8,
  sample2: 16,
  metric: { size: 40, metricId: 0, nvmlReturn: 4, value: 8 },
};
export const eventData = { size: 32, device: 0, eventType: 8, eventData: 16 };

export const VALUE_TYPE = { double: 0, uint: 1, ulong: 2, ulonglong: 3, longlong: 4, int: 5, ushort: 6 };

/** A 64-bit count: a number while that is exact, else its decimal digits. */
export function readCount(memory: Buffer, at: number): number | string {
  const high = memory.readUInt32LE(at + 4);
  if (high >= 2 ** 21) return memory.readBigUInt64LE(at).toString();
  return high * 2 ** 32 + memory.readUInt32LE(at);
}

/** An nvmlValue_t of the given type; a 64-bit count as `readCount` gives it. */
export function readTyped(memory: Buffer, at: number, type: number): number | string {
  switch (type) {
    case VALUE_TYPE.double:
      return memory.readDoubleLE(at);
    case VALUE_TYPE.ulong:
    case VALUE_TYPE.ulonglong:
      return readCount(memory, at);
    case VALUE_TYPE.longlong:
      return Number(memory.readBigInt64LE(at));
    case VALUE_TYPE.int:
      return memory.readInt32LE(at);
    case VALUE_TYPE.ushort:
      return memory.readUInt16LE(at);
    default:
      return memory.readUInt32LE(at);
  }
}

/** Text that ends with a zero byte. */
export function readText(memory: Buffer, start = 0, end = memory.length): string {
  const zero = memory.indexOf(0, start);
  return memory.toString('utf8', start, zero === -1 || zero > end ? end : zero).trim();
}
