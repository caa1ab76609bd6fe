// Where infiniband-diags are looked for, and what is said where they or the device files are not.
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { CannotStart } from '../../../agent/cannot-start.ts';
import { fabricEnvironment, findFabricTools, umadProblem } from '../../../agent/fabric/tools.ts';

const needed = ['ibnetdiscover', 'iblinkinfo', 'ibqueryerrors'];
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'whyidle-tools-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

function install(...names: readonly string[]): void {
  for (const name of names) {
    writeFileSync(join(folder, name), '#!/bin/sh\n');
    chmodSync(join(folder, name), 0o755);
  }
}

describe('tools', () => {
  test('of a named folder, and of no other', () => {
    install(...needed);
    expect(findFabricTools({ folder, path: '/usr/sbin' })).toEqual({
      ...Object.fromEntries(needed.map((name) => [name, join(folder, name)])),
      perfquery: undefined,
    });
  });

  test('of the PATH, absolute folders alone', () => {
    install(...needed, 'perfquery');
    expect(findFabricTools({ folder: undefined, path: `relative:${folder}` }).perfquery).toBe(
      join(folder, 'perfquery'),
    );
  });

  test('that are missing are named', () => {
    install('ibnetdiscover');
    const find = () => findFabricTools({ folder, path: '' });
    expect(find).toThrow(CannotStart);
    expect(find).toThrow(`iblinkinfo, ibqueryerrors cannot be found in ${folder}: install infiniband-diags`);
  });
});

test('children get the variables of a simulated subnet and none besides', () => {
  const env = { IBSIM_SOCKNAME: 'a', SIM_HOST: 'b', LD_PRELOAD: 'c', HOME: 'd', WHYIDLE_TOKEN: 'e', SIM_HOSTS: 'f' };
  expect(fabricEnvironment(env)).toEqual({ IBSIM_SOCKNAME: 'a', SIM_HOST: 'b', LD_PRELOAD: 'c' });
});

describe('device files', () => {
  test('are not there', () => {
    expect(umadProblem(join(folder, 'infiniband'))).toMatch(/there is no .*umad\*/);
    mkdirSync(join(folder, 'infiniband'));
    writeFileSync(join(folder, 'infiniband/uverbs0'), '');
    expect(umadProblem(join(folder, 'infiniband'))).toMatch(/there is no/);
  });

  test('may be opened', () => {
    writeFileSync(join(folder, 'umad0'), '');
    expect(umadProblem(folder)).toBeUndefined();
  });
});
