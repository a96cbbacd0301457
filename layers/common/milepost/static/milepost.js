// Milepost in a shop's pages: tells what a visitor looks at. No cookies. See docs/browser.md.
(() => {
  'use strict';
  const script = document.currentScript, { key, consent: asked, page: auto } = script.dataset;
  const url = script.src.replace(/milepost\.js.*$/, 'browser');
  const refused = navigator.globalPrivacyControl || navigator.doNotTrack === '1' ||
    !crypto.randomUUID; // a browser of before 2022, or a page without https
  let queue = [], token, timer, id, started;

  function keep(name, value) {
    try {
      if (value) localStorage.setItem(name, value);
      if (value === '') localStorage.removeItem(name);
      return localStorage.getItem(name);
    } catch (_) {
      return value; // storage is switched off: every page is a new device
    }
  }

  function allowed() {
    const said = keep('milepost.consent');
    return !refused && said !== 'no' && (said === 'yes' || asked !== 'required');
  }

  function device() {
    if (!allowed()) return '';
    id = id || keep('milepost.device') || keep('milepost.device', crypto.randomUUID());
    return id;
  }

  function send() {
    clearTimeout(timer);
    timer = 0;
    while (allowed() && (queue.length || token)) {
      const body = JSON.stringify({ key, device: device(), events: queue.splice(0, 20), token });
      token = undefined;
      // Plain text needs no preflight, and both ways outlive the page.
      if (!navigator.sendBeacon || !navigator.sendBeacon(url, body))
        fetch(url, { method: 'POST', body, keepalive: true, credentials: 'omit' }).catch(() => {});
    }
  }

  function later() {
    timer = timer || setTimeout(send, 300);
  }

  function track(name, properties = {}) {
    if (!allowed()) return;
    queue.push({ id: crypto.randomUUID(), name, properties });
    later();
  }

  function page(properties) {
    track('Page Viewed', Object.assign({ path: location.pathname, title: document.title }, properties));
  }

  function identify(mark) {
    token = mark;
    later();
  }

  function start() {
    if (started || !allowed()) return;
    started = true;
    const here = new URL(location.href), mark = here.searchParams.get('mp');
    if (mark) {
      here.searchParams.delete('mp'); // it belongs in no bookmark and no referrer
      history.replaceState(history.state, '', here);
      identify(mark);
    }
    if (auto !== 'off') page();
  }

  function consent(yes) {
    keep('milepost.consent', yes ? 'yes' : 'no');
    if (yes) return start();
    id = token = keep('milepost.device', '');
    queue = [];
  }

  addEventListener('pagehide', send);
  addEventListener('submit', ({ target }) => {
    const field = target.elements.device;
    if (field && /\/forms\//.test(target.getAttribute('action'))) field.value = device();
  }, true);
  window.milepost = { track, page, identify, consent, device };
  start();
})();
