// /etc/os-release: NAME=value, quoted as a shell would. os-release(5).

/** The name for people: PRETTY_NAME, else NAME and VERSION; empty if the file says neither. */
export function parseOsName(text: string): string {
  const values = new Map(
    text.split('\n').flatMap((line) => {
      const match = /^\s*([A-Z_]+)=(.*?)\s*$/.exec(line);
      return match ? [[match[1] ?? '', unquote(match[2] ?? '')] as const] : [];
    }),
  );
  const pretty = values.get('PRETTY_NAME') ?? '';
  if (pretty !== '') return pretty;
  return [values.get('NAME'), values.get('VERSION')].filter((part) => part !== undefined && part !== '').join(' ');
}

function unquote(text: string): string {
  const quote = text[0];
  if ((quote !== '"' && quote !== "'") || !text.endsWith(quote) || text.length < 2) return text;
  return text.slice(1, -1).replace(/\\(.)/g, '$1');
}
