// Sorting and copying of tables; everything else on the page works without it.
(() => {
  const number = (text) => {
    const found = text.replace(/,/g, "").match(/[-+]?\d+(\.\d+)?/);
    return found ? parseFloat(found[0]) : NaN;
  };
  const compare = (a, b) => {
    const [x, y] = [number(a), number(b)];
    return Number.isNaN(x) || Number.isNaN(y) ? a.localeCompare(b) : x - y;
  };
  const markdown = (table) => {
    const rows = [...table.rows].map((row) => [...row.cells].map((cell) => cell.innerText.trim().replace(/\|/g, "\\|")));
    const rules = [...table.rows[0].cells].map((cell) => (cell.classList.contains("right") ? "---:" : "---"));
    return [rows[0], rules, ...rows.slice(1)].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
  };
  for (const table of document.querySelectorAll("table")) {
    const body = table.tBodies[0];
    [...table.tHead.rows[0].cells].forEach((head, column) => {
      if (!head.textContent.trim()) return;
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        const down = head.getAttribute("aria-sort") === "ascending";
        for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
        head.setAttribute("aria-sort", down ? "descending" : "ascending");
        const text = (row) => row.cells[column].innerText.trim();
        const rows = [...body.rows].sort((a, b) => (down ? -1 : 1) * compare(text(a), text(b)));
        body.append(...rows);
      });
    });
    const copy = document.createElement("button");
    copy.type = "button";
    copy.className = "copy";
    copy.textContent = "Copy as Markdown";
    copy.addEventListener("click", async () => {
      await navigator.clipboard.writeText(markdown(table));
      copy.textContent = "Copied";
      setTimeout(() => (copy.textContent = "Copy as Markdown"), 2000);
    });
    table.parentElement.after(copy);
  }
  addEventListener("beforeprint", () => {
    for (const one of document.querySelectorAll("details:not(#proof details)")) one.open = true;
  });
})();
