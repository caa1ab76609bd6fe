// Why a connection could not be made, in a sentence that says what to look at.

const sentences: Readonly<Record<string, string>> = {
  SELF_SIGNED_CERT_IN_CHAIN:
    'its certificate is signed by an authority that this agent does not know: name it with --ca',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is signed by itself: name it with --ca',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    'its certificate is signed by an authority that this agent does not know: name it with --ca',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    'its certificate is signed by an authority that this agent does not know: name it with --ca',
  CERT_HAS_EXPIRED: 'its certificate has expired',
  CERT_NOT_YET_VALID: 'its certificate is not valid yet: is the clock of this node right?',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another name',
  EPROTO: 'it does not speak TLS: should the address begin with http://?',
  ERR_SSL_WRONG_VERSION_NUMBER: 'it does not speak TLS: should the address begin with http://?',
  ECONNREFUSED: 'nobody listens there',
  ENOTFOUND: 'its name is not known',
  ETIMEDOUT: 'it does not answer',
};

/** The library wraps the error of the socket once or twice. */
export function connectionProblem(error: Error): string {
  let found: unknown = error;
  for (let depth = 0; depth < 4 && typeof found === 'object' && found !== null; depth++) {
    const code = 'code' in found && typeof found.code === 'string' ? found.code : undefined;
    const sentence = code === undefined ? undefined : sentences[code];
    if (sentence !== undefined) return sentence;
    found = 'description' in found ? found.description : 'error' in found ? found.error : undefined;
  }
  return error.message;
}
