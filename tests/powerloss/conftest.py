"""Sums up at the end of a test run what the sweeps have swept."""

import json


def pytest_terminal_summary(terminalreporter):
    figures = [
        json.loads(value)
        for reports in terminalreporter.stats.values()
        for report in reports
        for name, value in getattr(report, "user_properties", ())
        if name == "powerloss" and report.when == "call"
    ]
    if figures:
        swept, bad, seconds = (sum(column) for column in zip(*figures, strict=True))
        terminalreporter.write_line(
            f"power loss: cut points swept: {swept}, bad states: {bad}, {seconds:.0f} s of one core"
        )
