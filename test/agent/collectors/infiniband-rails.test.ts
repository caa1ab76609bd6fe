// Which ports are rails: layouts of real kinds of nodes, told without opening a file.
import { describe, expect, it } from 'vitest';
import { placePorts, type RailPort } from '../../../agent/collectors/infiniband/rails.ts';
import type { Assignment, PortRole } from '../../../agent/collectors/infiniband/settings.ts';

const port = (device: string, bus: string, more: Partial<RailPort> = {}): RailPort => ({
  device,
  port: '1',
  linkLayer: 'InfiniBand',
  netdev: '',
  hcaType: 'MT4123',
  boardId: 'MT_0000000223',
  description: `node ${device}`,
  systemGuid: `guid-of-${device}`,
  pciAddress: bus === '' ? '' : `00000000:${bus}`,
  physicalFunction: undefined,
  ...more,
});

/** `device/port role rail`, one line per port. */
function places(ports: readonly RailPort[], roles: readonly Assignment<PortRole>[] = []): readonly string[] {
  return [...placePorts(ports, roles)].map(([key, { role, rail }]) => `${key} ${role} ${rail}`.trimEnd());
}

describe('rails', () => {
  it('are counted by PCI address, not by device number', () => {
    expect(places([port('mlx5_0', 'cc:00.0'), port('mlx5_1', '12:00.0'), port('mlx5_10', '0c:00.0')])).toEqual([
      'mlx5_0/1 compute 2',
      'mlx5_1/1 compute 1',
      'mlx5_10/1 compute 0',
    ]);
  });

  it('are both ports of a two-port card, whether it is one device or two', () => {
    expect(places([port('mlx4_0', '1a:00.0'), port('mlx4_0', '1a:00.0', { port: '2' })])).toEqual([
      'mlx4_0/1 compute 0',
      'mlx4_0/2 compute 1',
    ]);
    const card = { systemGuid: 'one card' };
    expect(places([port('mlx5_0', '1a:00.0', card), port('mlx5_1', '1a:00.1', card)])).toEqual([
      'mlx5_0/1 compute 0',
      'mlx5_1/1 compute 1',
    ]);
  });

  it('are counted by name where nothing is on PCI', () => {
    expect(places([port('mlx5_10', ''), port('mlx5_2', '')])).toEqual(['mlx5_10/1 compute 1', 'mlx5_2/1 compute 0']);
  });
});

describe('virtual functions', () => {
  it('share the rail of the function they belong to', () => {
    const virtual = { physicalFunction: '00000000:1a:00.0', hcaType: 'MT4124' };
    expect(places([port('mlx5_0', '1a:00.0'), port('mlx5_1', '1a:00.1', virtual), port('mlx5_2', '3b:00.0')])).toEqual([
      'mlx5_0/1 compute 0',
      'mlx5_1/1 compute 0',
      'mlx5_2/1 compute 1',
    ]);
  });

  it('are known by type and system image where the link is not there', () => {
    const card = { systemGuid: 'b8ce:f603:0000:0001' };
    expect(
      places([port('mlx5_0', '', card), port('mlx5_1', '', { ...card, hcaType: 'MT4124' }), port('mlx5_2', '')]),
    ).toEqual(['mlx5_0/1 compute 0', 'mlx5_1/1 compute 0', 'mlx5_2/1 compute 1']);
  });

  it('are rails of their own in a guest that sees nothing else', () => {
    const virtual = (device: string, bus: string) => port(device, bus, { hcaType: 'MT4126' });
    expect(places([virtual('mlx5_0', '01:00.0'), virtual('mlx5_1', '02:00.0')])).toEqual([
      'mlx5_0/1 compute 0',
      'mlx5_1/1 compute 1',
    ]);
  });
});

describe('roles', () => {
  const ethernet = { linkLayer: 'Ethernet' };

  it('calls Ethernet beside InfiniBand management, and a bond of it too', () => {
    expect(
      places([
        port('mlx5_0', '1a:00.0'),
        port('mlx5_bond_0', '5e:00.0', ethernet),
        port('irdma0', '60:00.0', ethernet),
      ]),
    ).toEqual(['mlx5_0/1 compute 0', 'mlx5_bond_0/1 management', 'irdma0/1 management']);
  });

  it('finds the rails of a node that has RoCE only', () => {
    expect(
      places([
        port('mlx5_0', '1a:00.0', ethernet),
        port('mlx5_1', '3b:00.0', ethernet),
        port('mlx5_bond_0', '5e:00.0', ethernet),
        port('mlx5_2', '5f:00.0', { ...ethernet, hcaType: 'MT4117' }),
      ]),
    ).toEqual(['mlx5_0/1 compute 0', 'mlx5_1/1 compute 1', 'mlx5_bond_0/1 management', 'mlx5_2/1 management']);
  });

  it('takes bonds for rails where there are only bonds', () => {
    expect(places([port('mlx5_bond_0', '1a:00.0', ethernet), port('mlx5_bond_1', '3b:00.0', ethernet)])).toEqual([
      'mlx5_bond_0/1 compute 0',
      'mlx5_bond_1/1 compute 1',
    ]);
  });

  it('counts EFA as compute and software RDMA as nothing', () => {
    expect(
      places([port('rdmap0', 'a0:00.0', { linkLayer: 'Unspecified', hcaType: '' }), port('rxe0', '', ethernet)]),
    ).toEqual(['rdmap0/1 compute 0', 'rxe0/1']);
  });

  it('knows what manages NVSwitches by name, and by four functions in one slot', () => {
    const bridge = { hcaType: 'MT4129', systemGuid: 'bridge' };
    const functions = [0, 1, 2, 3].map((number) => port(`mlx5_${number}`, `05:00.${number}`, bridge));
    const rails = [4, 5, 6, 7].map((number) => port(`mlx5_${number}`, `${number}0:00.0`, { hcaType: 'MT4129' }));
    expect(places([...functions, ...rails])).toEqual([
      ...[0, 1, 2, 3].map((number) => `mlx5_${number}/1 bridge`),
      ...[4, 5, 6, 7].map((number) => `mlx5_${number}/1 compute ${number - 4}`),
    ]);
    expect(places([port('mlx5_0', '05:00.0', { boardId: 'NVLink bridge' }), port('mlx5_1', '06:00.0')])).toEqual([
      'mlx5_0/1 bridge',
      'mlx5_1/1 compute 0',
    ]);
    // Two functions are an ordinary two-port card.
    expect(places(functions.slice(0, 2))).toEqual(['mlx5_0/1 compute 0', 'mlx5_1/1 compute 1']);
  });

  it('follows the configuration first: by device, port, interface and address', () => {
    const ports = [
      port('mlx5_0', '1a:00.0', { netdev: 'ib0' }),
      port('mlx5_1', '3b:00.0'),
      port('mlx4_0', '5e:00.0', { port: '2' }),
      port('mlx5_3', '5f:00.0'),
      port('mlx5_bond_0', '60:00.0', ethernet),
    ];
    expect(
      places(ports, [
        { pattern: 'ib0', value: 'storage' },
        { pattern: '0000:3b:00.0', value: 'storage' },
        { pattern: 'mlx4_0/2', value: 'management' },
        { pattern: 'mlx5_bond_*', value: 'compute' },
      ]),
    ).toEqual([
      'mlx5_0/1 storage',
      'mlx5_1/1 storage',
      'mlx4_0/2 management',
      'mlx5_3/1 compute 0',
      'mlx5_bond_0/1 compute 1',
    ]);
  });
});
