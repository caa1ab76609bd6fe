// Where we are: the address is the whole view. Unknown parameters are kept.
import { createSubscriber } from 'svelte/reactivity';
import { addressOf, pageOf, parameterOf, type Page } from './address.ts';

class Route {
  #update: (() => void) | undefined;
  readonly #subscribe = createSubscriber((update) => {
    this.#update = update;
    addEventListener('popstate', update);
    return () => {
      removeEventListener('popstate', update);
    };
  });

  get page(): Page {
    this.#subscribe();
    return pageOf(location.pathname);
  }

  parameter(name: string): string {
    this.#subscribe();
    return parameterOf(location.search, name);
  }

  /** The address of a page with the view's parameters. */
  to(path: string, changes: Readonly<Record<string, string | undefined>> = {}): string {
    this.#subscribe();
    return addressOf(path, location.search, changes);
  }

  go(address: string): void {
    history.pushState(null, '', address);
    this.#update?.();
    scrollTo(0, 0);
  }

  /** Changes parameters of this view without leaving an entry behind. */
  set(changes: Readonly<Record<string, string | undefined>>): void {
    history.replaceState(null, '', addressOf(location.pathname, location.search, changes));
    this.#update?.();
  }

  /** Takes clicks on links of this app; others are the browser's. */
  follow(event: MouseEvent): void {
    if (
      event.defaultPrevented ||
      event.button !== 0 ||
      event.metaKey ||
      event.ctrlKey ||
      event.shiftKey ||
      event.altKey
    )
      return;
    const link = event.target instanceof Element ? event.target.closest('a[href]') : null;
    if (!(link instanceof HTMLAnchorElement) || link.origin !== location.origin || link.target !== '') return;
    event.preventDefault();
    this.go(`${link.pathname}${link.search}`);
  }
}

export const route = new Route();
