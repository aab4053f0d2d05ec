// What the tests of pages measure in a browser. Every function returns a list of sentences, empty where all is well.
window.measure = (() => {
  const visible = (element) => element.checkVisibility({ opacityProperty: true, visibilityProperty: true });
  const short = (text) => JSON.stringify(text.trim().replace(/\s+/g, " ").slice(0, 60));

  const scrollers = (element) => {
    const found = [];
    for (let one = element; one; one = one.parentElement) {
      if (getComputedStyle(one).overflowX !== "visible" && one !== document.documentElement) found.push(one);
    }
    return found;
  };

  // Every line of text that can be seen: its box, cut to what its scrollers show.
  const lines = () => {
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    const found = [];
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      const parent = node.parentElement;
      if (!node.data.trim() || !visible(parent) || parent.closest("script, style, title, desc")) continue;
      const range = document.createRange();
      range.selectNodeContents(node);
      for (const box of range.getClientRects()) {
        let { left, top, right, bottom } = box;
        for (const scroller of scrollers(parent)) {
          const edge = scroller.getBoundingClientRect();
          left = Math.max(left, edge.left);
          right = Math.min(right, edge.right);
        }
        if (right - left > 1 && bottom - top > 1) found.push({ left, top, right, bottom, text: node.data, parent });
      }
    }
    return found;
  };

  const scrollsSideways = () => {
    const { scrollWidth, clientWidth } = document.documentElement;
    return scrollWidth > clientWidth ? [`the page is ${scrollWidth} pixels wide in a window of ${clientWidth}`] : [];
  };

  const overlaps = () => {
    const found = [];
    const all = lines().sort((a, b) => a.top - b.top);
    all.forEach((one, index) => {
      for (let next = index + 1; next < all.length && all[next].top < one.bottom; next++) {
        const other = all[next];
        const sticky = [one, other].some(({ parent }) => parent.closest("th:first-child, td:first-child"));
        const across = Math.min(one.right, other.right) - Math.max(one.left, other.left);
        const down = one.bottom - other.top;
        if (one.parent !== other.parent && !sticky && across > 1.5 && down > 4) {
          found.push(`${short(one.text)} lies on ${short(other.text)} (${across.toFixed(1)} x ${down.toFixed(1)} pixels)`);
        }
      }
    });
    return found;
  };

  const cut = () => {
    const found = [];
    const width = document.documentElement.clientWidth;
    for (const { left, right, text, parent } of lines()) {
      if (parent.closest(".skip")) continue;
      if (left < -1 || right > width + 1) found.push(`${short(text)} leaves the page`);
      const picture = parent.closest("svg");
      const frame = picture && picture.getBoundingClientRect();
      if (frame && (left < frame.left - 2 || right > frame.right + 2)) found.push(`${short(text)} leaves its picture`);
    }
    for (const element of document.querySelectorAll("body *:not(svg *)")) {
      const hides = ["hidden", "clip"].includes(getComputedStyle(element).overflowX);
      if (hides && visible(element) && element.scrollWidth > element.clientWidth + 1 && element.clientWidth > 1) {
        found.push(`${short(element.innerText ?? "")} is cut`);
      }
    }
    return found;
  };

  const headings = () => {
    const found = [];
    const all = [...document.querySelectorAll("h1, h2, h3, h4, h5, h6")].filter(visible);
    let level = 0;
    for (const heading of all) {
      const next = Number(heading.tagName[1]);
      if (!heading.innerText.trim()) found.push("a heading is empty");
      if (next > level + 1) found.push(`${short(heading.innerText)} skips a level`);
      level = next;
    }
    if (all.filter((one) => one.tagName === "H1").length !== 1) found.push("there is not one h1");
    return found;
  };

  const pictures = () => {
    const found = [];
    for (const picture of document.querySelectorAll("svg")) {
      const words = (picture.getAttribute("aria-labelledby") ?? "").split(" ").map((id) => document.getElementById(id));
      if (words.length !== 2 || words.some((one) => !one || one.textContent.trim().length < 8)) {
        found.push(`a picture has no text alternative: ${short(picture.outerHTML)}`);
      }
    }
    const identifiers = [...document.querySelectorAll("[id]")].map((one) => one.id);
    if (new Set(identifiers).size < identifiers.length) found.push("two elements have one identifier");
    return found;
  };

  const folded = () =>
    [...document.querySelectorAll("details:not(#proof details)")]
      .filter((one) => [...one.children].some((child) => getComputedStyle(child).display !== "none" && !visible(child)))
      .map((one) => `${short(one.innerText)} is folded`);

  const small = () => {
    const found = new Set();
    for (const { text, parent } of lines()) {
      const picture = parent.closest("svg");
      const scale = picture ? picture.getBoundingClientRect().width / picture.viewBox.baseVal.width : 1;
      const size = parseFloat(getComputedStyle(parent).fontSize) * scale;
      if (size < 9.5) found.add(`${short(text)} is ${size.toFixed(1)} pixels high`);
    }
    return [...found];
  };

  return { scrollsSideways, overlaps, cut, headings, pictures, folded, small };
})();
