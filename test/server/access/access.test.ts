// Who may reach the server: the bind rule, and the Host and Origin a request may carry.
import { describe, expect, test } from 'vitest';
import { checkBind, isLoopback } from '../../../server/access/bind.ts';
import { createOriginRule } from '../../../server/access/origin.ts';

const bind = (host: string, mode?: 'none' | 'local' | 'oidc' | 'proxy') => (): void => {
  checkBind({ 'server.listen': { host, port: 8420 }, 'access.mode': mode });
};

describe('the bind rule', () => {
  test.each(['127.0.0.1', '127.8.9.1', '::1', 'localhost'])('%s needs no access.mode', (host) => {
    expect(bind(host)).not.toThrow();
  });
  test.each(['0.0.0.0', '::', '10.0.0.5', 'gpu.example.org', '127.evil.example'])('%s needs one', (host) => {
    expect(isLoopback(host)).toBe(false);
    expect(bind(host)).toThrow(/write out access\.mode/);
    expect(bind(host, 'none')).not.toThrow();
  });
  test.each(['local', 'oidc', 'proxy'] as const)('access.mode %s is not there yet, on loopback neither', (mode) => {
    expect(bind('127.0.0.1', mode)).toThrow(/knows only none/);
  });
});

describe('on loopback', () => {
  const rule = createOriginRule({ listenHost: '127.0.0.1', port: () => 8420, hosts: ['gpu.example.org', 'proxy:443'] });
  test.each([
    ['127.0.0.1:8420', undefined],
    ['localhost:8420', 'http://localhost:8420'],
    ['[::1]:8420', 'http://127.0.0.1:8420'],
    ['LOCALHOST:8420', undefined],
    ['gpu.example.org', 'https://gpu.example.org'],
    ['gpu.example.org:9999', undefined],
    ['proxy:443', 'https://proxy'],
  ])('Host %s, Origin %s is served', (host, origin) => {
    expect(rule.refuse({ host, origin })).toBeUndefined();
  });
  test.each([
    [undefined, undefined],
    ['evil.example', undefined],
    ['evil.example:8420', undefined],
    ['127.0.0.1', undefined],
    ['127.0.0.1:9999', undefined],
    ['proxy:80', undefined],
    ['localhost.evil.example:8420', undefined],
    ['localhost:8420', 'https://evil.example'],
    ['localhost:8420', 'http://localhost:9999'],
    ['localhost:8420', 'null'],
    ['localhost:8420', 'file://'],
    ['localhost:8420', 'http://localhost:8420.evil.example'],
  ])('Host %s, Origin %s is refused', (host, origin) => {
    expect(rule.refuse({ host, origin })).toMatch(/\S/);
  });
});

describe('where others reach it', () => {
  const rule = createOriginRule({ listenHost: '0.0.0.0', port: () => 8420, hosts: [] });
  test('any name is served, a foreign origin is not', () => {
    expect(rule.refuse({ host: 'head:8420', origin: undefined })).toBeUndefined();
    expect(rule.refuse({ host: 'head:8420', origin: 'http://head:8420' })).toBeUndefined();
    expect(rule.refuse({ host: 'head:8420', origin: 'http://other:8420' })).toMatch(/origin/);
  });
  test('once names are listed, only those', () => {
    const listed = createOriginRule({ listenHost: '0.0.0.0', port: () => 8420, hosts: ['head'] });
    expect(listed.refuse({ host: 'head:8420', origin: 'http://head:8420' })).toBeUndefined();
    expect(listed.refuse({ host: 'rebound.evil.example:8420', origin: undefined })).toMatch(/not/);
  });
});
