// Keyboard: single keys act on the page, unless something is being typed or they are switched off.
import { live } from './live/live.svelte.ts';
import { route } from './route.svelte.ts';
import { theme } from './theme.svelte.ts';

const STORED_OFF = 'whyidle.keys';
const pages: Readonly<Record<string, string>> = {
  f: '/',
  c: '/incidents',
  j: '/jobs',
  n: '/nodes',
  i: '/fabric',
  a: '/alerts',
};

export const keyTexts: readonly (readonly [string, string])[] = [
  ['t', 'light or dark'],
  ['/', 'filter'],
  ['g f', 'fleet'],
  ['g c', 'incidents (causes)'],
  ['g j', 'jobs'],
  ['g n', 'nodes'],
  ['g i', 'fabric (InfiniBand)'],
  ['g a', 'alerts'],
  ['arrows, Enter', 'walk the heatmap or the map of links, open the node'],
  ['Esc', 'leave, or up to the fleet'],
  ['l', 'live: connect again at once'],
  ['?', 'these keys'],
];

export class Keys {
  help: boolean = $state(false);
  enabled: boolean = $state(localStorage.getItem(STORED_OFF) !== 'off');
  #pending = false;

  enable(on: boolean): void {
    this.enabled = on;
    localStorage.setItem(STORED_OFF, on ? 'on' : 'off');
  }

  press(event: KeyboardEvent): void {
    if (event.metaKey || event.ctrlKey || event.altKey || event.defaultPrevented || !this.enabled) return;
    if (event.target instanceof Element && event.target.closest('input, textarea, select, dialog')) return;
    if (this.#pending) {
      this.#pending = false;
      const path = pages[event.key];
      if (path !== undefined) route.go(route.to(path));
      return;
    }
    this.#act(event);
  }

  #act(event: KeyboardEvent): void {
    switch (event.key) {
      case 't':
        theme.flip();
        break;
      case 'g':
        this.#pending = true;
        break;
      case 'l':
        live.reconnect();
        break;
      case '?':
        this.help = true;
        break;
      case '/': {
        const field = document.querySelector<HTMLInputElement>('#filter');
        if (!field) return;
        event.preventDefault();
        field.focus();
        break;
      }
      case 'Escape':
        if (route.page.kind !== 'fleet') route.go(route.to('/'));
        break;
      default:
        break;
    }
  }
}
