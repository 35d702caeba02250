import { render } from 'preact';
import 'uplot/dist/uPlot.min.css';
import './style.css';
import { App } from './app';

const root = document.getElementById('console');
if (root) {
  root.textContent = '';
  render(<App />, root);
}
