"""Chart: every case's main figure as bars, in one SVG file that needs nothing else."""

import textwrap
from html import escape

from bench.cases import CASES
from bench.contenders import CONTENDERS
from bench.report import FIGURES, Results, medians

#: All in pixels.
_WIDTH, _MARGIN = 760, 20
_LABELS, _VALUES = 250, 80
_TITLE, _BAR, _GAP, _SPACE = 42, 18, 6, 22
_LINE, _CAPTION_CHARACTERS = 18, 95
_BARS = _WIDTH - 2 * _MARGIN - _LABELS - _VALUES

_STYLE = """
  text { font: 13px system-ui, sans-serif; fill: #57606a }
  .title { font-weight: 600; fill: #1f2328 }
  .ours { fill: #c98500 }
  .other { fill: #afb8c1 }
  .ground { fill: #ffffff }
"""


def draw(results: Results, caption: str) -> str:
    """The chart; `caption` says on what machine and when."""
    parts: list[str] = []
    y = _MARGIN
    for name, by_contender in results.items():
        case = CASES[name]
        figures = medians(case, by_contender)
        heading, show, less_is_better = FIGURES[case.main]
        most = max(each[case.main] for each in figures.values()) or 1.0
        parts.append(_text(_MARGIN, y + 12, case.title, "title"))
        better = "less" if less_is_better else "more"
        parts.append(_text(_MARGIN, y + 30, f"{heading} ({better} is better)"))
        y += _TITLE
        for contender in case.contenders:
            if contender not in figures:
                continue
            value = figures[contender][case.main]
            width = max(1, round(_BARS * value / most))
            kind = "ours" if contender.startswith("relay") else "other"
            x = _MARGIN + _LABELS
            label = CONTENDERS[contender].title
            parts.append(_text(x - 8, y + 14, label, anchor="end"))
            parts.append(
                f'<rect class="{kind}" x="{x}" y="{y}" width="{width}" height="{_BAR}" rx="2"/>'
            )
            parts.append(_text(x + width + 6, y + 14, show(value)))
            y += _BAR + _GAP
        y += _SPACE
    for line in textwrap.wrap(caption, _CAPTION_CHARACTERS):
        parts.append(_text(_MARGIN, y + 4, line))
        y += _LINE
    height = y + _MARGIN
    size = f'width="{_WIDTH}" height="{height}" viewBox="0 0 {_WIDTH} {height}"'
    ground = f'<rect class="ground" width="{_WIDTH}" height="{height}"/>'
    body = "\n".join([ground, *parts])
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size}>\n<style>{_STYLE}</style>\n{body}\n</svg>\n'


def _text(x: int, y: int, text: str, kind: str = "", anchor: str = "start") -> str:
    mark = f' class="{kind}"' if kind else ""
    return f'<text{mark} x="{x}" y="{y}" text-anchor="{anchor}">{escape(text)}</text>'
