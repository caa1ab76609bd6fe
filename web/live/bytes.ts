// Typed arrays out of socket.io messages: in a browser they arrive as ArrayBuffers whatever the sender held.

type Received = Uint8Array | ArrayBuffer;

export function bytesOf(value: Received): Uint8Array {
  return value instanceof ArrayBuffer ? new Uint8Array(value) : value;
}

/** A copy, since the numbers in a larger message need not be aligned. */
export function float64Of(value: Received): Float64Array {
  return new Float64Array(bytesOf(value).slice().buffer);
}

export function float32Of(value: Received): Float32Array {
  return new Float32Array(bytesOf(value).slice().buffer);
}
