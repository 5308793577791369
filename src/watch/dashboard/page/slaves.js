/** The table of slaves. */
import { html } from '/lib/lit-html.js';
import { bytes_text, count_text, time_text } from './format.js';

let log;

export function slaves_view({ state, ask, act, draw }) {
  const { total, rows } = state.slaves;
  const show_log = async ({ slave_id, name }) => {
    try {
      const { file, tail } = await ask(`/api/slaves/${slave_id}/log`);
      log = { name, file, tail: tail || 'The log is empty.' };
    } catch (error) {
      log = { name, file: '', tail: error.message };
    }
    draw();
  };
  return html`${
    log === undefined
      ? ''
      : html`<section class="story"><h2>Log of ${log.name}</h2><p class="faint">${log.file}</p><pre id="log">${log.tail}</pre>
      <button @click=${() => {
        log = undefined;
        draw();
      }}>Close</button></section>`
  }
    <div class="wide"><table id="slaves">
    <thead><tr><th>slave</th><th>state</th><th>host</th><th>runs</th><th class="n">done</th><th class="n">failed</th><th class="n">CPU</th><th class="n">memory</th><th class="n">stalls</th><th class="n">busy</th><th class="n">launches</th><th>Node</th><th></th></tr></thead>
    <tbody>${rows.map(
      (each) => html`<tr>
        <td>${each.name}</td>
        <td class=${each.state}>${each.state}</td>
        <td>${each.host}${each.pid === undefined ? '' : html` <span class="faint">${each.pid}</span>`}</td>
        <td>${each.running === undefined ? '' : html`<a href="#tasks/${each.running.index}">${each.running.name} ${each.running.index}</a>, ${time_text(each.running.ms)}`}</td>
        <td class="n">${count_text(each.done)}</td>
        <td class="n">${each.failed > 0 ? html`<span class="bad">${each.failed}</span>` : '0'}</td>
        <td class="n">${each.cpu === undefined ? '' : `${Math.round(each.cpu * 100)} %`}</td>
        <td class="n">${each.rss === undefined ? '' : bytes_text(each.rss)}</td>
        <td class="n">${each.stalled > 1000 ? `now, ${time_text(each.stalled)}` : each.stalls > 0 ? `${each.stalls}, up to ${time_text(each.longest_stall)}` : '0'}</td>
        <td class="n">${each.connected_ms > 0 ? `${Math.min(100, Math.round((100 * each.busy_ms) / each.connected_ms))} %` : ''}</td>
        <td class="n">${each.launches}</td>
        <td>${each.node_version ?? ''}</td>
        <td>
          <button @click=${() => show_log(each)} aria-label="Log of ${each.name}">Log</button>
          ${
            state.can_act
              ? html`<button @click=${() => act('/api/drain', { slave_id: each.slave_id }, `${each.name} ends its task and leaves.`)}
                  ?disabled=${each.state === 'stopped' || each.state === 'stopping'} aria-label="Drain ${each.name}">Drain</button>`
              : ''
          }
        </td>
      </tr>${each.error === undefined || each.state === 'running_task' || each.state === 'connected' ? '' : html`<tr class="said"><td></td><td colspan="12"><div class="bad">${each.error}</div></td></tr>`}`,
    )}</tbody></table></div>
    ${total > rows.length ? html`<p class="faint">and ${count_text(total - rows.length)} more</p>` : ''}`;
}
