// The few helpers that build and update the page. Text only ever enters it as text nodes, so
// nothing that a user writes is read as HTML.

export const byId = (id) => document.getElementById(id);

/** Makes an element; properties are attributes, `class` and `data-…` included, false leaves one out. */
export function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== false) node.setAttribute(name, value === true ? '' : value);
  }
  node.append(...children);
  return node;
}

const SVG = 'http://www.w3.org/2000/svg';

/** An icon of those that index.html defines. */
export function icon(name) {
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('class', 'icon');
  svg.setAttribute('aria-hidden', 'true');
  const use = document.createElementNS(SVG, 'use');
  use.setAttribute('href', `#icon-${name}`);
  svg.append(use);
  return svg;
}

/**
 * Makes a parent's children match a list, by key. A child that stays is updated in place, so the
 * focus of somebody who works by keyboard survives each update.
 */
export function matchChildren(parent, items, { key, create, update }) {
  const present = new Map([...parent.children].map((child) => [child.dataset.key, child]));
  let next = parent.firstElementChild;
  for (const item of items) {
    const name = key(item);
    let child = present.get(name);
    present.delete(name);
    if (!child) {
      child = create(item);
      child.dataset.key = name;
    }
    update(child, item);
    if (child === next) next = next.nextElementSibling;
    else parent.insertBefore(child, next);
  }
  for (const child of present.values()) child.remove();
}

/** A user's initials on a colour that the name decides. */
export function avatar(name) {
  let hash = 0;
  for (const character of name) hash = (hash * 31 + character.codePointAt(0)) % 360;
  const parts = name.split(/[\s._-]+/).filter(Boolean);
  const first = [...(parts[0] ?? name)];
  const letters = parts.length > 1 ? [first[0], [...parts[1]][0]] : first.slice(0, 2);
  const node = element('span', { class: 'avatar', 'aria-hidden': 'true' }, letters.join(''));
  node.style.setProperty('--hue', String(hash));
  return node;
}
