// Node descriptions: the host in `gpu02 mlx5_0` and `o0001 HCA-1`, and the names that devices have as they leave the factory.

/** The host an adapter's description names; null for factory names and whatever has another form. */
export function hostOfName(name: string): string | null {
  if (isFactoryName(name)) return null;
  const [, host] = /^(\S+)\s+(?:mlx\d+_\w+|hfi1_\d+|HCA-?\d+|ibp\w+)$/i.exec(name) ?? [];
  return host ?? (/^[\w.-]+$/.test(name) ? name : null);
}

/** `MT4123 ConnectX6 Mellanox Technologies`, `Quantum Mellanox Technologies`, `SwitchX -  Mellanox Technologies`, nothing. */
export function isFactoryName(name: string): boolean {
  return (
    name === '' || /Mellanox Technologies|Infiniscale|^MT\d{3,}\b|^(localhost|localhost\.localdomain)\b/i.test(name)
  );
}

/** Without what MLNX-OS wraps around a switch's name: `MF0;leaf4:MSB7800/U1` is leaf4. */
export function shortName(name: string): string {
  const [, inner] = /^MF0;([^:;]+):/.exec(name) ?? [];
  return inner ?? name.trim();
}
