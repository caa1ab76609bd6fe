// The kubelet could not be asked, or refused. Apart from who asks it, which is loaded only where there is a kubelet.
export class PodResourcesError extends Error {
  override name = 'PodResourcesError';
}
