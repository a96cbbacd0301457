// Keeps the live parts of the page fresh. Without this script everything works after a reload.
"use strict";
const PAUSE = 1500;
let seen = null;

async function refresh() {
  const status = await (await fetch("/api/status")).json();
  if (seen === status.changes) return;
  if (seen !== null) {
    const page = await (await fetch(location.href)).text();
    const fresh = new DOMParser().parseFromString(page, "text/html");
    for (const part of document.querySelectorAll("[data-live]")) {
      const replacement = fresh.getElementById(part.id);
      if (replacement && replacement.innerHTML !== part.innerHTML && !part.contains(document.activeElement)) {
        part.replaceWith(document.adoptNode(replacement));
      }
    }
  }
  seen = status.changes;
}

async function live() {
  if (!document.hidden) {
    try { await refresh(); } catch { /* the local stack has stopped; try again later */ }
  }
  setTimeout(live, PAUSE);
}

// A page that came from a POST cannot be fetched again.
if (document.querySelector("[data-live]#list, [data-live]#states")) live();
