// Registration with the NVLink fabric. Authority: nvml.h, nvmlGpuFabricInfoV_t (Hopper and newer).
import { column, type Group } from './columns.ts';
import { Question, type Device } from './question.ts';
import { fabricV1, fabricV2 } from './structs.ts';

export function fabricGroup(device: Device): Group {
  const { nvml, handle } = device;
  const v2 = Buffer.alloc(fabricV2.size);
  const v1 = Buffer.alloc(fabricV1.size);
  const getV2 = nvml.bind('nvmlDeviceGetGpuFabricInfoV');
  const getV1 = nvml.bind('nvmlDeviceGetGpuFabricInfo');
  const newer = new Question(device, () => {
    v2.writeUInt32LE(fabricV2.version, 0);
    return getV2(handle, v2);
  });
  const older = new Question(device, () => getV1(handle, v1));
  return {
    columns: [column('gpu_fabric_state'), column('gpu_fabric_health')],
    read: (cells, at) => {
      const missing = newer.ask();
      cells[at] = missing ?? v2.readUInt8(fabricV2.state);
      cells[at + 1] = missing ?? v2.readUInt32LE(fabricV2.healthMask);
      if (newer.refused) cells[at] = older.ask() ?? v1.readUInt8(fabricV1.state);
    },
  };
}
