(function () {
  "use strict";
  var links = {};
  document.querySelectorAll(".contents a").forEach(function (link) { links[decodeURIComponent(link.hash.slice(1))] = link; });
  var headings = Array.prototype.filter.call(document.querySelectorAll("main h2[id], main h3[id]"), function (h) { return links[h.id]; });
  function follow() {
    var now = null;
    headings.forEach(function (h) { if (h.getBoundingClientRect().top < 40) { now = h; } });
    Object.keys(links).forEach(function (id) {
      if (now && id === now.id) { links[id].setAttribute("aria-current", "true"); } else { links[id].removeAttribute("aria-current"); }
    });
  }
  if (headings.length) {
    document.addEventListener("scroll", follow, { passive: true });
    follow();
  }
  document.querySelectorAll("input[data-filter]").forEach(function (input) {
    var table = document.getElementById(input.getAttribute("data-filter"));
    var rows = Array.prototype.slice.call(table.querySelectorAll("tbody tr"));
    var count = input.parentNode.querySelector(".filter-count");
    input.addEventListener("input", function () {
      var words = input.value.trim().toLowerCase().split(/\s+/);
      var shown = 0;
      rows.forEach(function (row) {
        var text = (row.textContent + " " + (row.getAttribute("data-text") || "")).toLowerCase();
        var fits = words.every(function (word) { return text.indexOf(word) >= 0; });
        row.hidden = !fits;
        if (fits) { shown += 1; }
      });
      count.textContent = input.value.trim() ? shown + " / " + rows.length : "";
    });
  });
})();
