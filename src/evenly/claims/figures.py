"""Several figures that notebooks show by themselves."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    Base = list[Figure]
else:
    Base = list


class Figures(Base):
    """A list of Matplotlib figures; a notebook draws them one below the other."""

    def _repr_html_(self) -> str:
        images = []
        for figure in self:
            buffer = io.BytesIO()
            figure.savefig(buffer, format="png", dpi=200)
            data = base64.b64encode(buffer.getvalue()).decode("ascii")
            width = round(100 * figure.get_size_inches()[0])
            images.append(f'<img alt="{_title(figure)}" width="{width}" '
                          f'style="max-width: 100%" src="data:image/png;base64,{data}">')
        return "<br>".join(images)


def _title(figure: Figure) -> str:
    from html import escape

    return escape(figure.get_suptitle(), quote=True)
