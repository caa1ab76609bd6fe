// Light or dark: the address decides, then what was chosen before, then the system.
import { MediaQuery } from 'svelte/reactivity';
import { route } from './route.svelte.ts';

export type Theme = 'light' | 'dark';

const STORED = 'whyidle.theme';
const systemDark = new MediaQuery('(prefers-color-scheme: dark)');

class ThemeState {
  #chosen: Theme | undefined = $state();

  constructor() {
    const asked = new URLSearchParams(location.search).get('theme');
    this.#chosen = themeOf(asked) ?? themeOf(localStorage.getItem(STORED));
    this.#show();
  }

  get now(): Theme {
    return this.#chosen ?? (systemDark.current ? 'dark' : 'light');
  }

  flip(): void {
    this.#chosen = this.now === 'dark' ? 'light' : 'dark';
    localStorage.setItem(STORED, this.#chosen);
    if (route.parameter('theme') !== '') route.set({ theme: this.#chosen });
    this.#show();
  }

  #show(): void {
    if (this.#chosen) document.documentElement.dataset['theme'] = this.#chosen;
  }
}

function themeOf(text: string | null): Theme | undefined {
  return text === 'light' || text === 'dark' ? text : undefined;
}

export const theme = new ThemeState();
