// Messages for people, on stderr: one line per change of state, logfmt.

export interface Log {
  info(message: string, details?: Readonly<Record<string, unknown>>): void;
  warn(message: string, details?: Readonly<Record<string, unknown>>): void;
}

export function createLog(name: string, write: (line: string) => void): Log {
  const line = (level: string, message: string, details: Readonly<Record<string, unknown>> = {}): void => {
    const pairs = Object.entries(details).map(([key, value]) => ` ${key}=${quote(String(value))}`);
    write(`${new Date().toISOString()} ${level} ${name}: ${message}${pairs.join('')}\n`);
  };
  return {
    info: (message, details) => {
      line('info', message, details);
    },
    warn: (message, details) => {
      line('warn', message, details);
    },
  };
}

export const silentLog: Log = { info: () => undefined, warn: () => undefined };

function quote(text: string): string {
  return /[\s"=]/.test(text) ? JSON.stringify(text) : text;
}
