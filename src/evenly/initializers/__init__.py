"""First values of arrays.

``fan_in`` and ``fan_out`` are the numbers of connections into and out of one unit: features and
units of a linear layer; of a convolution, the window's positions times the channels (or filters) of
a group; of a recurrent layer, those of one gate.
"""

from .base import Initializer as Initializer
from .plain import Constant as Constant
from .plain import Normal as Normal
from .plain import TruncatedNormal as TruncatedNormal
from .plain import Uniform as Uniform
from .plain import Zeros as Zeros
from .scaled import HeNormal as HeNormal
from .scaled import HeUniform as HeUniform
from .scaled import LeCunNormal as LeCunNormal
from .scaled import LeCunUniform as LeCunUniform
from .scaled import XavierNormal as XavierNormal
from .scaled import XavierUniform as XavierUniform
from .structured import GateBias as GateBias
from .structured import Identity as Identity
from .structured import Orthogonal as Orthogonal
