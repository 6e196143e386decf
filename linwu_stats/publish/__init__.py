"""Publishing (发布): figures and pages for reviewers, the batch of a quarter, its index and its record.

- ``words``, ``tables_html``, ``plots``, ``pages``  what stands on a page; everything escaped and rounded once
- ``fonts``       the Chinese font of figures and pages
- ``html``        an executed notebook as one self-contained page
- ``batch``       all pages of a quarter: plan, check, run, publish; ``worker`` is the process that makes them, ``zygote`` the one that is copied for them
- ``around``      what stands around the pages: tables as files, public edition, index, links, record; ``runs`` is what it shares with the batch
- ``index``       the page that lists the others
- ``provenance``  what a run was made from: ``run.json`` and the foot of each page

Nothing is imported here: a notebook that draws one figure does not pay for the batch.
"""

from __future__ import annotations
