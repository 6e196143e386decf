"""From paper to trusted tables (台账): reading, identity, and a quarter's intake.

- ``read``         one file or folder: what it is, what was found, one frame of parsed values
- ``content``      what a file is by its bytes; ``package`` (xlsx), ``binary`` (xls, et), ``plain`` (csv, tab text, HTML) take it apart
- ``headers``      headings, kinds, units; ``layout`` tells data rows from titles, totals and footers
- ``cells``, ``dates``, ``identity``   one cell: its value, or why it has none
- ``sound``        whole columns at one glance
- ``consistency``  what only several cells show: sums, per-capita figures, sizes, duplicates
- ``outcome``      findings, the four outcomes, and their rendering
- ``intake``       a quarter's ledgers become the tables of :mod:`linwu_stats.tables`
"""
