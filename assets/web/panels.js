// Words, legend, layers, search, and what is known of a building. Texts of others become text nodes and nothing else.

const byId = (id) => document.getElementById(id);

function node(name, text = "", className = "") {
  const made = document.createElement(name);
  made.textContent = text;
  if (className) made.className = className;
  return made;
}

// Of a phrase with values, "{} min".
function pattern(phrase) {
  return new RegExp("^" + phrase.split("{}").map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join("(.+?)") + "$", "su");
}

class Words {
  constructor(words, language) {
    this.words = words;
    this.language = words[language] ? language : "en";
    this.phrases = Object.fromEntries(Object.entries(words).map(([code, page]) => [code, (page.phrases ?? []).map(([text, phrase]) => [pattern(text), phrase])]));
  }
  of(key) {
    return this.words[this.language][key] ?? this.words.en[key] ?? key;
  }
  // A text of the program in this language; a text of the data as it is.
  told(text) {
    const texts = this.words[this.language].texts ?? {};
    return Object.hasOwn(texts, text) ? texts[text] : text;
  }
  // The value of a station with its age, such as "1.2 m · 5 min old".
  aged(text) {
    for (const [known, phrase] of this.phrases[this.language]) {
      const found = known.exec(text);
      if (found) return phrase.split("{}").map((part, i) => part + (i + 1 < found.length ? this.aged(found[i + 1]) : "")).join("");
    }
    return this.told(text);
  }
  number(value, decimals = 0) {
    return value.toLocaleString(this.language, { maximumFractionDigits: decimals });
  }
}

class Table {
  constructor(block) {
    const header = block.header;
    this.ids = header.ids;
    this.columns = header.columns.map((c) => ({
      ...c,
      values: numbers(block, c.values, Float64Array),
      known: c.known ? numbers(block, c.known, Uint8Array) : null,
    }));
    this.colourings = header.colourings.map((c) => ({ ...c, classes: numbers(block, c.classes, Uint8Array) }));
  }
  isKnown(column, i) {
    return !column.known || column.known[i] === 1;
  }
  text(column, i, words) {
    if (column.texts) return column.own ? words.told(column.texts[column.values[i]]) : column.texts[column.values[i]];
    const value = column.values[i] / 10 ** column.decimals;
    // Years and numbers of that kind stand without a mark for thousands.
    const told = column.unit || column.decimals ? words.number(value, column.decimals) : String(value);
    return column.unit ? `${told} ${column.unit}` : told;
  }
  // Buildings whose id or any text holds what is looked for; at most so many.
  search(wanted, most) {
    const sought = wanted.trim().toLocaleLowerCase();
    if (!sought) return [];
    const found = new Map();
    const texts = this.columns.filter((c) => c.texts).map((c) => ({ c, hits: new Set(c.texts.flatMap((t, k) => (t && t.toLocaleLowerCase().includes(sought) ? [k] : []))) }));
    for (let i = 0; i < this.ids.length && found.size < most; i++) {
      if (this.ids[i].toLocaleLowerCase().includes(sought)) found.set(i, this.ids[i]);
      else for (const { c, hits } of texts) if (hits.size && hits.has(c.values[i]) && this.isKnown(c, i)) {
        found.set(i, `${c.texts[c.values[i]]} · ${this.ids[i]}`);
        break;
      }
    }
    return [...found];
  }
}

function legendNodes(legend, words, title = "") {
  const nodes = [];
  if (!legend.entries.length) return nodes;
  if (title || legend.title) nodes.push(node("h3", title || words.told(legend.title)));
  for (const entry of legend.entries) {
    const row = node("div"), swatch = node("i", "", entry.kind);
    swatch.style.backgroundColor = `rgb(${entry.rgb.join(" ")})`;
    row.append(swatch, node("span", entry.words?.[words.language] ?? words.told(entry.text)));
    nodes.push(row);
  }
  return nodes;
}

function factNodes(table, i, words) {
  const list = document.createElement("dl");
  for (const column of table.columns) {
    if (column.name === "id" || !table.isKnown(column, i)) continue;
    const text = table.text(column, i, words);
    if (text === "") continue;
    list.append(node("dt", words.told(column.label)), node("dd", text));
  }
  return list;
}

// Labels keep out of each other's way: the more important first.
class Labels {
  constructor(header, parent) {
    const rank = { place: 0, layer: 1, water: 2, street: 3, building: 4 };
    this.items = header.labels
      .map((l) => ({ ...l, place: new THREE.Vector3(...l.at), node: node("span", l.text, "label") }))
      .sort((a, b) => rank[a.kind] - rank[b.kind]);
    for (const item of this.items) {
      item.node.classList.add(item.kind);
      parent.append(item.node);
    }
    this.visible = true;
  }
  place(project, nearBuildings, marks) {
    const taken = [...marks];
    for (const item of this.items) {
      const at = this.visible ? project(item.place) : null;
      item.node.hidden = !at || (item.kind === "building" && at.distance > nearBuildings);
      if (item.node.hidden) continue;
      item.size ||= [item.node.offsetWidth, item.node.offsetHeight];
      const [w, h] = item.size, box = [at.x - w / 2 - 4, at.y - h - 2, at.x + w / 2 + 4, at.y + 2];
      if (covers(box, taken)) item.node.hidden = true;
      else {
        taken.push(box);
        item.node.style.transform = `translate(${Math.round(at.x - w / 2)}px, ${Math.round(at.y - h)}px)`;
      }
    }
  }
}
