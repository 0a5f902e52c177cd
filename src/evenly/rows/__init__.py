"""The rows that a network is trained on: arrays, arrays in files, Parquet, batches of any making.

``sources`` and ``streams`` say how rows are read, ``shuffle_buffer`` in which order, ``ahead`` that
they are read while the engine computes; ``training_set`` hands them to the engine.
"""

from .arrow import ArrowRows as ArrowRows
from .own import OwnRows as OwnRows
from .own import own_part as own_part
from .parquet import ParquetRows as ParquetRows
from .streams import Batches as Batches
