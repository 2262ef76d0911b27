"""Reports of a run, from its folder: report.md, report.html and junit.xml.

Imports `driver.results`, `driver.forensics`, `driver.judging`, `driver.checks`, `driver.metrics`,
`driver.histories` and `driver.scenarios`; pure but for `write`.
Begin with `write`, then `summary` and `view` (what every format shows), `html_page` and `markdown`.
"""
