"""From paper to trusted tables (台账): reading, identity, and a quarter's intake.

- ``read``         one file or folder: what it is, what was found, one frame of parsed values
- ``content``      what a file is by its bytes; ``package`` (xlsx), ``binary`` (xls, et), ``plain`` (csv, tab text, HTML),
  ``xmlbook`` (XML 2003) and ``odsbook`` take it apart
- ``headers``      headings, kinds, units; ``layout`` tells data rows from titles, totals and footers
- ``cells``, ``dates``, ``identity``   one cell: its value, or why it has none
- ``sound``        whole columns at one glance
- ``consistency``  what only several cells show: sums, per-capita figures, sizes, duplicates; ``totals``, ``villages`` hold two of its parts
- ``outcome``      findings, the four outcomes, and their rendering
- ``review``       two-person review: the sample and its tables; ``review_sheets`` go out, ``review_answers`` come back, ``review_report``, ``agreement``
- ``lookback_sheets`` go out to the teams of a look-back, ``lookback_answers`` come back
- ``worklist``     what is to be mended and what became of it; ``worklist_items`` finds it, ``worklist_books`` and ``forms`` send it out
- ``corrections``  handed-back work lists as an overlay on the tables; ``entries`` reads what a cell of a form says
- ``intake``       a quarter's ledgers become the tables of :mod:`linwu_stats.tables`
"""
