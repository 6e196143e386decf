(function () {
  "use strict";
  // Written for the browsers of offices: Chromium 69, WPS. Without this script a page reads the same; it only cannot be sorted, filtered and copied.
  function all(selector, root) { return Array.prototype.slice.call((root || document).querySelectorAll(selector)); }
  function make(tag, attributes, text) {
    var one = document.createElement(tag);
    Object.keys(attributes || {}).forEach(function (name) { one.setAttribute(name, attributes[name]); });
    if (text) { one.textContent = text; }
    return one;
  }

  // ---- contents that follow the reading
  function follow() {
    var box = document.querySelector(".contents"), links = {}, waiting = false;
    if (!box) { return; }
    var fold = box.querySelector("details"), phone = window.matchMedia("(max-width: 59.99rem)");
    function narrow() { if (phone.matches) { fold.removeAttribute("open"); } else { fold.setAttribute("open", ""); } }
    if (fold) {
      narrow();
      phone.addListener(narrow);
      box.addEventListener("click", function (event) { if (phone.matches && event.target.closest("a")) { fold.removeAttribute("open"); } });
    }
    all("a", box).forEach(function (link) { links[decodeURIComponent(link.hash.slice(1))] = link; });
    var headings = all("main h2[id], main h3[id], .provenance h2[id]").filter(function (one) { return links[one.id]; });
    function mark() {
      var now = null, edge = Math.min(160, window.innerHeight / 4);
      waiting = false;
      headings.forEach(function (one) { if (one.getBoundingClientRect().top < edge) { now = one.id; } });
      if (headings.length && window.pageYOffset + window.innerHeight >= document.documentElement.scrollHeight - 2 && window.pageYOffset > 0) {
        now = headings.filter(function (one) { return one.getBoundingClientRect().top < window.innerHeight; }).pop().id;
        if (location.hash) { headings.forEach(function (one) { if ("#" + one.id === decodeURIComponent(location.hash) && one.getBoundingClientRect().top >= 0) { now = one.id; } }); }
      }
      Object.keys(links).forEach(function (id) {
        var link = links[id], here = id === now;
        if (here === link.hasAttribute("aria-current")) { return; }
        if (!here) { link.removeAttribute("aria-current"); return; }
        link.setAttribute("aria-current", "true");
        if (!phone.matches && (link.offsetTop < box.scrollTop || link.offsetTop + link.offsetHeight > box.scrollTop + box.clientHeight)) {
          box.scrollTop = link.offsetTop - box.clientHeight / 2;
        }
      });
    }
    function soon() { if (!waiting) { waiting = true; window.requestAnimationFrame(mark); } }
    if (headings.length) {
      document.addEventListener("scroll", soon, { passive: true });
      window.addEventListener("resize", soon);
      mark();
    }
  }

  // ---- tables
  function words(cell) { return cell.textContent.replace(/\s+/g, " ").trim(); }
  // Text to look in and to look for: full-width digits and signs are the same as the half-width ones, a thousands separator may be left out.
  function plain(text) { return (text.normalize ? text.normalize("NFKC") : text).replace(/\u2212/g, "-").replace(/(\d),(?=\d{3})/g, "$1").toLowerCase(); }
  function raw(cell) { return cell.hasAttribute("data-v") ? cell.getAttribute("data-v") : null; }
  function number(cell) {
    var text = raw(cell);
    if (text === null) { text = words(cell).replace(/,/g, "").replace(/\u2212/g, "-").replace(/^\+/, ""); }
    return /^-?[0-9.]+$/.test(text) ? parseFloat(text) : NaN;
  }
  var compare = window.Intl && Intl.Collator ? new Intl.Collator("zh-CN", { numeric: true }).compare : function (a, b) { return a < b ? -1 : a > b ? 1 : 0; };

  // 二组 stands before 十组: a Chinese number before a measure word counts as the number.
  var measured = /([〇零一二两三四五六七八九十百]+)(?=(?:村民小组|小组|组|队|季度|季|年级|级|类|等份|期|批|次|号|区|月|年)(?:[^一-龥]|$))/g;
  function counted(text) {
    return text.replace(measured, function (number) {
      var whole = 0, digit = 0;
      number.split("").forEach(function (one) {
        var at = "〇一二三四五六七八九".indexOf(one === "零" ? "〇" : one === "两" ? "二" : one);
        if (at >= 0) { digit = /[十百]/.test(number) ? at : digit * 10 + at; } else { whole += (digit || 1) * (one === "百" ? 100 : 10); digit = 0; }
      });
      return String(whole + digit);
    });
  }

  function sort(table, column, kind, direction) {
    var body = table.tBodies[0], sign = direction === "descending" ? -1 : 1;
    var rows = all("tr", body).map(function (row) {
      var cell = row.cells[column], value = kind === "number" ? number(cell) : counted(words(cell));
      return { row: row, at: Number(row.getAttribute("data-at")), value: value, total: row.classList.contains("total"), none: raw(cell) === "" || value !== value };
    });
    rows.sort(function (a, b) {
      if (a.total !== b.total) { return a.total ? 1 : -1; }
      if (direction === "none" || a.total) { return a.at - b.at; }
      if (a.none !== b.none) { return a.none ? 1 : -1; }
      if (a.none) { return a.at - b.at; }
      var order = kind === "number" ? a.value - b.value : compare(a.value, b.value);
      return order ? sign * order : a.at - b.at;
    });
    rows.forEach(function (one) { body.appendChild(one.row); });
  }

  function sortable(table, say) {
    var heads = all("thead th[data-sort]", table);
    if (table.tBodies[0].rows.length < 3) { return; }
    all("tr", table.tBodies[0]).forEach(function (row, at) { row.setAttribute("data-at", at); });
    heads.forEach(function (head) {
      var button = make("button", { type: "button", "class": "sort" }), name = words(head);
      while (head.firstChild) { button.appendChild(head.firstChild); }
      head.appendChild(button);
      button.addEventListener("click", function () {
        var next = { none: "ascending", ascending: "descending", descending: "none" }[head.getAttribute("aria-sort") || "none"];
        heads.forEach(function (other) { other.removeAttribute("aria-sort"); });
        if (next !== "none") { head.setAttribute("aria-sort", next); }
        sort(table, head.cellIndex, head.getAttribute("data-sort"), next);
        say({ none: "恢复原来的次序", ascending: "按“" + name + "”从小到大排列", descending: "按“" + name + "”从大到小排列" }[next]);
      });
    });
  }

  function filtered(table, tools, say, id) {
    var rows = all("tbody tr", table), label = make("label", {}, "查找 "), count = make("span", { "class": "filter-count", role: "status" });
    var box = make("input", { type: "search", id: id, autocomplete: "off", placeholder: table.getAttribute("data-filter") || "输入文字，空格隔开几个词" });
    var texts = rows.map(function (row) { return plain(all("th, td", row).map(words).join("\n") + "\n" + (row.getAttribute("data-text") || "")); });
    label.appendChild(box);
    var holder = make("span", { "class": "filter" });
    holder.appendChild(label);
    holder.appendChild(count);
    tools.insertBefore(holder, tools.firstChild);
    box.addEventListener("input", function () {
      var wanted = plain(box.value).trim().split(/\s+/), shown = 0;
      rows.forEach(function (row, at) {
        var fits = wanted.every(function (word) { return texts[at].indexOf(word) >= 0; });
        row.hidden = !fits;
        if (fits) { shown += 1; }
      });
      count.textContent = box.value.trim() ? shown + " / " + rows.length : "";
      say("");
    });
  }

  // A cell for a spreadsheet: the whole number, not the rounded one; text that starts like a formula stays text.
  function sheetValue(cell, isNumber) {
    if (!isNumber) { return words(cell); }
    var value = number(cell);
    return value === value ? (raw(cell) || words(cell).replace(/,/g, "").replace(/\u2212/g, "-").replace(/^\+/, "")) : words(cell);
  }
  // For a place that takes text only: no cell starts a formula, a quotation mark at its start does not swallow the next cells.
  var formula = /^[=+\-@\uff1d\uff0b\uff0d\uff20]/;
  function inText(text) { return formula.test(text) ? "'" + text : text.charAt(0) === "\"" ? "\"" + text.replace(/"/g, "\"\"") + "\"" : text; }
  function title(table) {
    var text = table.caption ? words(table.caption) : "", mark = table.caption && table.caption.querySelector(".number");
    return mark ? words(mark) + " " + text.slice(words(mark).length).trim() : text;
  }
  function escaped(text) { return text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;").replace(/"/g, "&quot;"); }
  function sheet(table) {
    var kinds = all("thead th", table).map(function (head) { return head.getAttribute("data-sort") === "number"; });
    var lines = all("tr", table).filter(function (row) { return !row.hidden; }).map(function (row) {
      var isHead = row.parentNode.tagName === "THEAD";
      return Array.prototype.map.call(row.cells, function (cell, at) {
        var text = sheetValue(cell, kinds[at] && !isHead), bare = kinds[at] && !isHead && /^-?[0-9.]+$/.test(text);
        return { text: bare ? text : inText(text), shown: text, plain: bare };
      });
    });
    var caption = title(table);
    if (caption) { lines.unshift([{ text: inText(caption), shown: caption, plain: false }]); }
    return {
      text: lines.map(function (line) { return line.map(function (cell) { return cell.text; }).join("\t"); }).join("\r\n"),
      html: "<meta charset=\"utf-8\"><table>" + lines.map(function (line) {
        return "<tr>" + line.map(function (cell) {
          return (cell.plain ? "<td>" : "<td style=\"mso-number-format:'\\@'\">") + escaped(cell.shown) + "</td>";
        }).join("") + "</tr>";
      }).join("") + "</table>"
    };
  }
  function choose(table) {
    var range = document.createRange(), selection = window.getSelection();
    range.selectNode(table);
    selection.removeAllRanges();
    selection.addRange(range);
  }
  function copy(table, say) {
    var data = sheet(table), done = false;
    function put(event) {
      event.clipboardData.setData("text/plain", data.text);
      event.clipboardData.setData("text/html", data.html);
      event.preventDefault();
      done = true;
    }
    function copied() { window.getSelection().removeAllRanges(); say("已复制，可粘贴到 Excel 或 WPS 表格"); }
    function refused() { say("浏览器不许复制：表已选中，请按 Ctrl+C"); }
    choose(table);
    document.addEventListener("copy", put);
    try { done = document.execCommand("copy") && done; } catch (error) { done = false; }
    document.removeEventListener("copy", put);
    if (done) { copied(); } else if (navigator.clipboard && navigator.clipboard.writeText) { navigator.clipboard.writeText(data.text).then(copied, refused); } else { refused(); }
  }

  function equip(table, at) {
    if (!table.tBodies.length || !table.tHead) { return; }
    var holder = table.closest(".table-wrap") || table, tools = make("div", { "class": "table-tools" });
    var status = make("span", { "class": "table-status", role: "status" });
    function say(text) { status.textContent = text; }
    var button = make("button", { type: "button", "class": "copy", "aria-label": "复制到 Excel" + (table.caption ? "：" + title(table) : "") }, "复制到 Excel");
    button.addEventListener("click", function () { copy(table, say); });
    sortable(table, say);
    tools.appendChild(status);
    tools.appendChild(button);
    if (table.tBodies[0].rows.length >= 20 || table.hasAttribute("data-filter")) {
      filtered(table, tools, say, table.id ? table.id.replace(/-table$/, "") + "-filter" : "filter-" + at);
    } else {
      tools.className += " over";
    }
    holder.parentNode.insertBefore(tools, holder);
  }

  // ---- a rule's text beside its key
  function notes() {
    var open = null;
    function close(back) {
      if (!open) { return; }
      var link = open.link;
      open.box.parentNode.removeChild(open.box);
      open = null;
      link.setAttribute("aria-expanded", "false");
      if (back) { link.focus(); }
    }
    function show(link, entry) {
      var box = make("div", { "class": "popover", role: "dialog", "aria-label": "规则 " + words(link), tabindex: "-1" });
      var text = entry.cloneNode(true), shut = make("button", { type: "button", "class": "close", "aria-label": "关闭" }, "×");
      text.removeAttribute("id");
      shut.addEventListener("click", function () { close(true); });
      box.addEventListener("keydown", function (event) {
        // The box is the last of the page for the keyboard: leaving it leads on from where it was opened.
        if (event.key !== "Tab" || (!event.shiftKey && document.activeElement === box)) { return; }
        if (event.shiftKey) { event.preventDefault(); }
        close(true);
      });
      box.appendChild(shut);
      box.appendChild(text);
      document.body.appendChild(box);
      var place = link.getBoundingClientRect(), width = Math.min(400, document.documentElement.clientWidth - 16);
      box.style.width = width + "px";
      box.style.left = Math.max(8, Math.min(place.left, document.documentElement.clientWidth - width - 8)) + window.pageXOffset + "px";
      var above = place.bottom + box.offsetHeight + 12 > window.innerHeight && place.top > box.offsetHeight + 12;
      box.style.top = (above ? place.top - box.offsetHeight - 6 : place.bottom + 6) + window.pageYOffset + "px";
      link.setAttribute("aria-expanded", "true");
      open = { link: link, box: box };
      box.focus({ preventScroll: true });
    }
    all("a.rule[href^='#rule-']").forEach(function (link) {
      var entry = document.getElementById(decodeURIComponent(link.hash.slice(1)));
      if (!entry) { return; }
      link.setAttribute("aria-expanded", "false");
      link.setAttribute("aria-haspopup", "dialog");
      link.addEventListener("click", function (event) {
        if (event.ctrlKey || event.metaKey || event.shiftKey) { return; }
        event.preventDefault();
        var again = open && open.link === link;
        close(false);
        if (!again) { show(link, entry); }
      });
    });
    document.addEventListener("keydown", function (event) { if (event.key === "Escape" && open) { close(true); } });
    document.addEventListener("click", function (event) {
      if (open && !open.box.contains(event.target) && !event.target.closest("a.rule")) { close(false); }
    });
  }

  // What is folded away is printed where it is data, not code.
  function printing() {
    var opened = [];
    window.addEventListener("beforeprint", function () {
      opened = all("main details:not(.code):not([open])").filter(function (one) { return !one.closest(".doubts"); });
      opened.forEach(function (one) { one.setAttribute("open", ""); });
    });
    window.addEventListener("afterprint", function () { opened.forEach(function (one) { one.removeAttribute("open"); }); });
  }

  all("table.data").forEach(equip);
  notes();
  printing();
  follow();
})();
