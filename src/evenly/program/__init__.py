"""A network as a flat list of instructions and a plan of its buffers."""

from .compiler import DTYPES as DTYPES
from .compiler import compile as compile
from .compiler import hands_on as hands_on
from .compiler import training_rows as training_rows
from .drawing import NetworkPlot as NetworkPlot
from .drawing import drawn as drawn
from .drawing import program_html as program_html
from .parts import Buffer as Buffer
from .parts import Instruction as Instruction
from .values import Program as Program
