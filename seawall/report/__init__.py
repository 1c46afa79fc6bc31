"""Reports: one self-contained HTML file per replay."""

from seawall.report.page import write_report

__all__ = ["write_report"]
