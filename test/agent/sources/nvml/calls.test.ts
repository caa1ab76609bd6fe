// The table of NVML functions that are called: nothing in it changes anything on the hardware.
import { expect, it } from 'vitest';
import { nvmlCalls } from '../../../../agent/sources/nvml/calls.ts';

const allowed =
  /^nvml(Init_v2|Shutdown|(System|Device)Get\w+|DeviceRegisterEvents|EventSet(Create|Free|Wait(_v2)?)|Gpm(QueryDeviceSupport|SampleAlloc|SampleFree|SampleGet|MigSampleGet|MetricsGet))$/;

it('has getters, events and GPM samples only', () => {
  expect(Object.keys(nvmlCalls).filter((name) => !allowed.test(name))).toEqual([]);
});

it('has nothing that sets, resets, clears or freezes', () => {
  const verbs = /(Device|System|Unit|Gpm|Vgpu|Instance)(Set|Reset|Clear|Freeze|Modify|Create|Destroy|Remove|Discover)/;
  expect(Object.keys(nvmlCalls).filter((name) => verbs.test(name))).toEqual([]);
});
