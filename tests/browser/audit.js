// What is wrong with the page that is shown: one sentence per fault. Runs inside of the page.
const faults = [];

function rgba(text) {
  const parts = text.match(/[\d.]+/g).map(Number);
  return parts.length > 3 ? parts : [...parts, 1];
}

function luminance([r, g, b]) {
  const [x, y, z] = [r, g, b].map(v => v / 255).map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  return 0.2126 * x + 0.7152 * y + 0.0722 * z;
}

function contrast(one, other) {
  const [high, low] = [luminance(one), luminance(other)].sort((a, b) => b - a);
  return (high + 0.05) / (low + 0.05);
}

function behind(element) {
  for (let e = element; e; e = e.parentElement) {
    const color = rgba(getComputedStyle(e).backgroundColor);
    if (color[3] === 1) return color;
  }
  return rgba(getComputedStyle(document.documentElement).colorScheme.includes('dark') && matchMedia('(prefers-color-scheme: dark)').matches ? 'rgb(18,18,18)' : 'rgb(255,255,255)');
}

if (document.documentElement.scrollWidth > innerWidth)
  faults.push(`is ${document.documentElement.scrollWidth} wide in a window of ${innerWidth}`);
if (!document.title) faults.push('has no title');
if (document.querySelector('script, img, link, iframe')) faults.push('loads something');

const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
  const text = walker.currentNode.textContent.trim(), element = walker.currentNode.parentElement;
  if (!text || !element.getClientRects().length || element.closest('option')) continue;
  const style = getComputedStyle(element), size = parseFloat(style.fontSize);
  const large = size >= 24 || (size >= 18.66 && parseInt(style.fontWeight) >= 700);
  const found = contrast(rgba(style.color), behind(element));
  if (found < (large ? 3 : 4.5)) faults.push(`"${text.slice(0, 20)}" has a contrast of ${found.toFixed(2)}`);
  if (size < 16) faults.push(`"${text.slice(0, 20)}" is ${size} pixels small`);
}

for (const element of document.querySelectorAll('button, select, input[type=date], label.pick')) {
  const { width, height } = element.getBoundingClientRect();
  if (width < 44 || height < 44) faults.push(`${element.tagName} is ${Math.round(width)} by ${Math.round(height)}`);
  const style = getComputedStyle(element);
  if (element.matches('select, input, button.quiet')) {
    const edge = contrast(rgba(style.borderTopColor), behind(element.parentElement));
    if (edge < 3) faults.push(`the edge of ${element.tagName} has a contrast of ${edge.toFixed(2)}`);
  }
}

for (const element of document.querySelectorAll('main *')) {
  const { left, right } = element.getBoundingClientRect();
  if (left < -1 || right > innerWidth + 1) faults.push(`${element.tagName} sticks out`);
}

const ids = Array.from(document.querySelectorAll('[id]'), e => e.id);
if (new Set(ids).size !== ids.length) faults.push('uses an id twice');
return faults;
