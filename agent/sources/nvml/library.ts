// libnvidia-ml through koffi: each function is bound when it is first asked for. A function that the driver lacks
// answers FUNCTION_NOT_FOUND for ever, so that an old driver only gives less. Runs in the child process alone.
import type { AbsenceReason } from '#agent/contract';
import { nvmlCalls, type ArgumentKind, type ArgumentsOf, type NvmlCall, type NvmlFunction } from './calls.ts';
import { FUNCTION_NOT_FOUND } from './return-codes.ts';

export interface NvmlLibrary {
  /** The function; the same one each time. */
  bind<N extends NvmlCall>(name: N): NvmlFunction<N>;
  /** Calls it on a thread of its own; resolves with the return code. */
  callAside<N extends NvmlCall>(name: N, ...args: ArgumentsOf<N>): Promise<number>;
}

export class LibraryError extends Error {
  override readonly name = 'LibraryError';
  readonly reason: AbsenceReason;

  constructor(reason: AbsenceReason, message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }
}

interface NativeFunction {
  (...args: readonly unknown[]): unknown;
  async(...args: readonly unknown[]): unknown;
}

/** As much of koffi as is used. */
interface NativeLibrary {
  func(name: string, result: string, args: string[]): NativeFunction;
}

const cTypes: Readonly<Record<ArgumentKind, string>> = {
  handle: 'void *',
  out: 'void *',
  uint: 'uint32',
  ulong: 'uint64',
};

export async function openNvml(file: string): Promise<NvmlLibrary> {
  return new BoundLibrary(await loadNative(file));
}

async function loadNative(file: string): Promise<NativeLibrary> {
  const koffi = await import('koffi').catch((error: unknown) => {
    throw new LibraryError('unsupported', `koffi cannot be loaded here: ${messageOf(error)}`, { cause: error });
  });
  try {
    return koffi.load(file);
  } catch (error) {
    const message = messageOf(error);
    const reason = /permission denied/i.test(message) ? 'forbidden' : 'not_present';
    throw new LibraryError(reason, `${file} cannot be loaded: ${message}`, { cause: error });
  }
}

class BoundLibrary implements NvmlLibrary {
  readonly #library: NativeLibrary;
  readonly #natives = new Map<NvmlCall, NativeFunction | undefined>();

  constructor(library: NativeLibrary) {
    this.#library = library;
  }

  bind<N extends NvmlCall>(name: N): NvmlFunction<N> {
    return asCall(this.#native(name) ?? missing);
  }

  callAside<N extends NvmlCall>(name: N, ...args: ArgumentsOf<N>): Promise<number> {
    const native = this.#native(name);
    if (!native) return Promise.resolve(FUNCTION_NOT_FOUND);
    return new Promise((resolve, reject) => {
      native.async(...args, (error: unknown, code: unknown) => {
        if (typeof code === 'number') resolve(code);
        else reject(error instanceof Error ? error : new Error(String(error)));
      });
    });
  }

  #native(name: NvmlCall): NativeFunction | undefined {
    if (!this.#natives.has(name)) this.#natives.set(name, this.#find(name));
    return this.#natives.get(name);
  }

  #find(name: NvmlCall): NativeFunction | undefined {
    try {
      return this.#library.func(
        name,
        'int',
        nvmlCalls[name].map((kind) => cTypes[kind]),
      );
    } catch {
      return undefined;
    }
  }
}

const missing = (): number => FUNCTION_NOT_FOUND;

/** Safe: the arguments were declared to koffi by the same table that types them, and every function returns nvmlReturn_t. */
function asCall<N extends NvmlCall>(native: (...args: readonly unknown[]) => unknown): NvmlFunction<N> {
  return native as NvmlFunction<N>;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
