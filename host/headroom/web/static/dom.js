// The few things that every part of the page does with the document.

export const field = (root, name) => root.querySelector(`[data-field="${name}"]`);
export const list = (root, name) => root.querySelector(`[data-list="${name}"]`);

// A copy of a template's one element.
export function stamp(template) {
  return document.getElementById(template).content.firstElementChild.cloneNode(true);
}

// An element with text and, if given, a class.
export function element(tag, text = "", className = "") {
  const made = document.createElement(tag);
  made.textContent = text;
  if (className) made.className = className;
  return made;
}

// Set a text only where it differs: a screen reader reads live regions again on any change.
export function write(target, text) {
  if (target.textContent !== text) target.textContent = text;
}

// Show a text, or hide its place when there is none.
export function say(target, text) {
  target.hidden = !text;
  write(target, text || "");
}

// One element a row, made once by its key, kept in the order of the rows and updated in place, so
// that focus and running transitions survive.
export function keyed(parent, rows, keyOf, make, update) {
  const have = new Map([...parent.children].map((child) => [child.dataset.key, child]));
  const wanted = rows.map((row) => {
    const key = String(keyOf(row));
    const child = have.get(key) ?? make(row);
    child.dataset.key = key;
    update(child, row);
    return child;
  });
  const same = wanted.length === parent.children.length && wanted.every((child, i) => child === parent.children[i]);
  if (!same) parent.replaceChildren(...wanted);
}

// Keyed rows with the sentence that stands in for an empty list.
export function keyedOrEmpty(name, rows, keyOf, make, update) {
  keyed(list(document, name), rows, keyOf, make, update);
  document.querySelector(`[data-empty="${name}"]`).hidden = rows.length > 0;
}
