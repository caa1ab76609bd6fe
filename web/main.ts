// Starts the page.
import { mount } from 'svelte';
import './style/fonts.css';
import './style/tokens.css';
import './style/components.css';
import './style/app.css';
import App from './App.svelte';

const target = document.getElementById('app');
if (!target) throw new Error('index.html has no #app');
mount(App, { target });
