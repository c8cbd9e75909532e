"""retroprop: a neural-network framework in which learning is explicit: forward, backward, update."""

from retroprop import datasets, initializers
from retroprop.initializers import *
from retroprop.losses import *
from retroprop.modules import *
from retroprop.optim import *
from retroprop.training import *
