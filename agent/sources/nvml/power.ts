// Power, energy, temperatures. Authority: nvml.h. PowerUsage is a mean over 1 s from Ampere on, except on GA100.
import { celsiusOf, column, fill, wattsOfMilliwatts, type Group } from './columns.ts';
import { askField, countCell, numberCell, type Field } from './fields.ts';
import { Question, type Device } from './question.ts';
import { marginTemperature, readCount, temperatureV } from './structs.ts';

const FIELD = { memoryTemperature: 82, energy: 83, powerAverage: 185, powerInstant: 186 };
const GPU_SENSOR = 0;

export function powerGroup(device: Device): Group {
  const memory = Buffer.alloc(4);
  const get = device.nvml.bind('nvmlDeviceGetPowerUsage');
  const usage = new Question(device, () => get(device.handle, memory));
  return {
    columns: [column('gpu_power_watts')],
    read: (cells, at) => {
      const missing = usage.ask();
      cells[at] = missing ?? wattsOfMilliwatts(memory.readUInt32LE(0));
      if (!usage.refused || device.loss !== undefined) return;
      const field = askField(device, FIELD.powerAverage) ?? askField(device, FIELD.powerInstant);
      if (typeof field === 'number') cells[at] = wattsOfMilliwatts(field);
    },
  };
}

export function energyGroup(device: Device): Group {
  const memory = Buffer.alloc(8);
  const get = device.nvml.bind('nvmlDeviceGetTotalEnergyConsumption');
  const question = new Question(device, () => get(device.handle, memory));
  return {
    columns: [column('gpu_energy_joules_total')],
    read: (cells, at) => {
      // Millijoules are the row's steps.
      cells[at] = question.ask() ?? countCell(readCount(memory, 0));
    },
  };
}

export function temperatureGroup(device: Device): Group {
  const { nvml, handle } = device;
  const plain = Buffer.alloc(4);
  const versioned = Buffer.alloc(temperatureV.size);
  const getPlain = nvml.bind('nvmlDeviceGetTemperature');
  const getVersioned = nvml.bind('nvmlDeviceGetTemperatureV');
  const older = new Question(device, () => getPlain(handle, GPU_SENSOR, plain));
  const newer = new Question(device, () => {
    versioned.writeUInt32LE(temperatureV.version, 0);
    versioned.writeUInt32LE(GPU_SENSOR, temperatureV.sensor);
    return getVersioned(handle, versioned);
  });
  return {
    columns: [column('gpu_temperature_celsius')],
    read: (cells, at) => {
      cells[at] = older.ask() ?? celsiusOf(plain.readUInt32LE(0));
      if (older.refused) cells[at] = newer.ask() ?? celsiusOf(versioned.readInt32LE(temperatureV.temperature));
    },
  };
}

export const temperatureFields: readonly Field[] = [
  {
    column: column('gpu_memory_temperature_celsius'),
    fieldId: FIELD.memoryTemperature,
    cell: numberCell((value) => (value === 0 ? 'unsupported' : celsiusOf(value))),
  },
];

export function marginGroup(device: Device): Group {
  const memory = Buffer.alloc(marginTemperature.size);
  const get = device.nvml.bind('nvmlDeviceGetMarginTemperature');
  const question = new Question(device, () => {
    memory.writeUInt32LE(marginTemperature.version, 0);
    return get(device.handle, memory);
  });
  return {
    columns: [column('gpu_temperature_margin_celsius')],
    read: (cells, at) => {
      cells[at] = question.ask() ?? celsiusOf(memory.readInt32LE(marginTemperature.margin));
    },
  };
}

export function powerRangeGroup(device: Device): Group {
  const least = Buffer.alloc(4);
  const greatest = Buffer.alloc(4);
  const get = device.nvml.bind('nvmlDeviceGetPowerManagementLimitConstraints');
  const question = new Question(device, () => get(device.handle, least, greatest));
  return {
    columns: [column('gpu_power_limit_min_watts'), column('gpu_power_limit_max_watts')],
    read: (cells, at) => {
      const missing = question.ask();
      if (missing !== undefined) fill(cells, at, 2, missing);
      else {
        cells[at] = wattsOfMilliwatts(least.readUInt32LE(0));
        cells[at + 1] = wattsOfMilliwatts(greatest.readUInt32LE(0));
      }
    },
  };
}
